import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "../data/safetensors.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import type { Shape } from "../engine/graph/tensor.ts";
import type { RunSettings } from "./run.ts";
import type { Trainer, TrainerState } from "./trainer.ts";

const FORMAT = "partwise.checkpoint.1";

/** What is known of a saved run besides its tensors; also written as JSON beside them. */
export interface CheckpointInfo {
  format: string;
  step: number;
  settings: RunSettings;
  /** Where the next batch comes from. */
  order: { epoch: number; step: number };
  /** Random numbers are counted, not drawn: the next step's counter is `step` under this seed. */
  random: { generator: "philox4x32-10"; seed: number; step: number };
  adapter: string;
}

export interface Checkpoint {
  info: CheckpointInfo;
  parameters: Map<string, { shape: Shape; values: Float32Array }>;
  optimizer: Record<string, Map<string, { shape: Shape; values: Float32Array }>>;
}

/**
 * A trainer's state as safetensors: parameters under timm's names, so that PyTorch reads the file as it is, moments as
 * `optimizer.<moment>.<name>`, and everything else as JSON in the metadata.
 */
export async function encodeCheckpoint(
  trainer: Trainer,
): Promise<{ info: CheckpointInfo; bytes: Uint8Array }> {
  const { step, parameters, optimizer } = await trainer.state();
  const { settings, device } = trainer;
  const info: CheckpointInfo = {
    format: FORMAT,
    step,
    settings,
    order: trainer.batches.position(step),
    random: { generator: "philox4x32-10", seed: settings.seed, step },
    adapter: device.info.description || device.info.vendor,
  };
  const tensors = new Map<string, StoredTensor>();
  const add = (prefix: string, flat: Float32Array): void => {
    for (const [name, { shape, values }] of trainer.parameters.unpack(flat)) {
      tensors.set(prefix + name, { dtype: "F32", shape, data: values as Float32Array<ArrayBuffer> });
    }
  };
  add("", parameters);
  for (const [moment, flat] of Object.entries(optimizer)) add(`optimizer.${moment}.`, flat);
  return { info, bytes: writeSafetensors(tensors, { partwise: JSON.stringify(info) }) };
}

/** Reads what `encodeCheckpoint` wrote. `name` is the file's, for messages. */
export function decodeCheckpoint(name: string, bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = readNamed(name, bytes);
  const text = metadata.partwise;
  const info = text === undefined ? null : (JSON.parse(text) as CheckpointInfo);
  if (info?.format !== FORMAT) {
    throw new Error(
      `${name}: must be a checkpoint of format ${FORMAT}; got ${info ? info.format : "safetensors without partwise metadata"}`,
    );
  }
  const checkpoint: Checkpoint = { info, parameters: new Map(), optimizer: {} };
  for (const [key, tensor] of tensors) {
    const named = { shape: tensor.shape, values: toFloat32(tensor) };
    const [, moment, parameter] = /^optimizer\.([^.]+)\.(.+)$/.exec(key) ?? [];
    if (moment === undefined || parameter === undefined) {
      checkpoint.parameters.set(key, named);
    } else {
      checkpoint.optimizer[moment] ??= new Map();
      checkpoint.optimizer[moment].set(parameter, named);
    }
  }
  return checkpoint;
}

function readNamed(name: string, bytes: Uint8Array) {
  try {
    return readSafetensors(bytes);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}

/** The state that goes into a trainer of the same settings. */
export function stateOf(checkpoint: Checkpoint, trainer: Trainer): TrainerState {
  const { info, parameters, optimizer } = checkpoint;
  const { parameters: model } = trainer;
  const moments = Object.entries(trainer.optimizer.state).map(([moment, tensor]) => {
    const saved = optimizer[moment];
    if (!saved) throw new Error(`checkpoint: must hold optimizer.${moment}; got ${Object.keys(optimizer)}`);
    return [moment, model.pack(saved, tensor.size)] as const;
  });
  return {
    step: info.step,
    parameters: model.pack(parameters, model.values.size),
    optimizer: Object.fromEntries(moments),
  };
}

/** Puts the parameters a checkpoint shares with a model into it, for example the encoder alone. */
export function loadParameters(model: Parameters, { parameters }: Checkpoint): void {
  model.values.write(model.pack(parameters, model.values.size));
}
