import { readSafetensors, type StoredTensor, toFloat32, writeSafetensors } from "../data/safetensors.ts";
import type { NamedValues, Parameters } from "../engine/graph/parameters.ts";
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
  /** By name: parameters as they are called, moments as `optimizer.<moment>.<name>`. */
  tensors: Map<string, NamedValues>;
}

/**
 * A trainer's state as safetensors: parameters under timm's names, so that PyTorch reads the file as it is, moments as
 * `optimizer.<moment>.<name>`, and everything else as JSON in the metadata. Of a run that halted at a step that was not
 * finite it is the state before that step.
 */
export async function encodeCheckpoint(
  trainer: Trainer,
): Promise<{ info: CheckpointInfo; bytes: Uint8Array }> {
  const { step, tensors: state } = await trainer.state();
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
  for (const [name, { shape, values }] of state) {
    tensors.set(name, { dtype: "F32", shape, data: values as Float32Array<ArrayBuffer> });
  }
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
  const named = [...tensors].map(([key, tensor]) => {
    return [key, { shape: tensor.shape, values: toFloat32(tensor) }] as const;
  });
  return { info, tensors: new Map(named) };
}

function readNamed(name: string, bytes: Uint8Array) {
  try {
    return readSafetensors(bytes);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`);
  }
}

/** The state that goes into a trainer of the same settings. */
export const stateOf = ({ info, tensors }: Checkpoint): TrainerState => ({ step: info.step, tensors });

/** Puts the parameters a checkpoint shares with a model into it, for example the encoder alone. */
export function loadParameters(model: Parameters, { tensors }: Checkpoint): void {
  model.write(model.values, tensors);
}
