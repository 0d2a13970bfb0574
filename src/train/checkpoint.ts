import { toFloat32 } from "../data/safetensors.ts";
import { type ByteSource, openSafetensors, safetensorsPieces } from "../data/safetensorsFile.ts";
import type { HeaderEntry } from "../data/safetensorsHeader.ts";
import type { Device } from "../engine/gpu/device.ts";
import { type NamedValues, Parameters } from "../engine/graph/parameters.ts";
import type { Shape, Tensor } from "../engine/graph/tensor.ts";
import type { VitConfig } from "../models/vit.ts";
import { methodOf, type RunSettings } from "./run.ts";
import { FORMAT, FORMATS, settingsIn } from "./savedSettings.ts";
import { prefixOf, type Trainer } from "./trainer.ts";

/** Bytes after which loading waits for the queue, which keeps a copy of what is written until the GPU has it. */
const MOST_WAITING = 2 ** 26;

/** What is known of a saved run besides its tensors; also written as JSON beside them. */
export interface CheckpointInfo {
  /** As it lies in the file; settings are in today's words, whatever it is. */
  format: string;
  step: number;
  settings: RunSettings;
  /** Where the next batch comes from. */
  order: { epoch: number; step: number };
  /** Random numbers are counted, not drawn: the next step's counter is `step` under this seed. */
  random: { generator: "philox4x32-10"; seed: number; step: number };
  adapter: string;
}

/** A saved run. Its tensors stay in the file until they are asked for. */
export interface Checkpoint {
  info: CheckpointInfo;
  /** By name: the trained network's as they are called, another's as `<network>.<name>`, moments as `optimizer.<moment>.<name>`. */
  entries: ReadonlyMap<string, HeaderEntry>;
  /** One tensor's values; throws if the file has none of this name. */
  values(name: string): Promise<Float32Array>;
}

/** What a device is called in a checkpoint: equal settings give equal bits on one adapter, not on two. */
export const adapterName = ({ info }: Device): string => info.description || info.vendor;

/**
 * A trainer's state as the pieces of a safetensors file: the trained network's parameters under timm's names, so that PyTorch
 * reads the file as it is, those of others as `teacher.<name>`, moments as `optimizer.<moment>.<name>`, and everything else as
 * JSON in the metadata. Of a run that halted at a step
 * that was not finite it is the state before that step. The host holds one shard at a time; the trainer must not run until
 * the last piece is taken.
 */
export async function encodeCheckpoint(
  trainer: Trainer,
): Promise<{ info: CheckpointInfo; pieces: AsyncIterable<Uint8Array> }> {
  const { settings, device } = trainer;
  const step = await trainer.updates();
  const info: CheckpointInfo = {
    format: FORMAT,
    step,
    settings,
    order: trainer.batches.position(step),
    random: { generator: "philox4x32-10", seed: settings.seed, step },
    adapter: adapterName(device),
  };
  const shapes = [...viewsOf(trainer)].map(([name, { shape }]) => [name, { dtype: "F32", shape }] as const);
  const values = valuesOf(trainer);
  const next = async (name: string) => {
    const { value } = await values.next();
    if (value?.[0] !== name)
      throw new Error(`checkpoint: ${name} must be the next tensor; got ${value?.[0]}`);
    const { shape, values: data } = value[1];
    return { dtype: "F32", shape, data: data as Float32Array<ArrayBuffer> } as const;
  };
  return { info, pieces: safetensorsPieces(new Map(shapes), next, { partwise: JSON.stringify(info) }) };
}

/** Views of all that a trainer keeps, by their names in a checkpoint. */
function viewsOf(trainer: Trainer): Map<string, Tensor> {
  const views = new Map<string, Tensor>();
  for (const [prefix, { tensors, layout }] of Object.entries(trainer.kept())) {
    for (const [name, view] of layout.views(tensors)) views.set(prefix + name, view);
  }
  return views;
}

/** Their values in the same order, read shard by shard. */
async function* valuesOf(trainer: Trainer): AsyncGenerator<[name: string, NamedValues]> {
  for (const [prefix, { tensors, layout }] of Object.entries(trainer.kept())) {
    for await (const [name, values] of layout.entries(tensors)) yield [prefix + name, values];
  }
}

/** Opens what `encodeCheckpoint` wrote. `name` is the file's, for messages. */
export const openCheckpoint = (name: string, source: ByteSource): Promise<Checkpoint> =>
  inFile(name, async () => {
    const { entries, metadata, tensor } = await openSafetensors(source);
    const info = infoIn(metadata.partwise);
    return { info, entries, values: (key) => inFile(name, async () => toFloat32(await tensor(key))) };
  });

/** Names the file in what is thrown about it. */
async function inFile<T>(name: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw new Error(`${name}: ${error.message}`, { cause: error });
  }
}

/** The metadata of a checkpoint. Throws unless it is whole, whoever wrote it. */
function infoIn(text: string | undefined): CheckpointInfo {
  const info = text === undefined ? undefined : (parsed(text) as Partial<CheckpointInfo> | null);
  if (!FORMATS.includes(info?.format)) {
    const given = text === undefined ? "safetensors without partwise metadata" : text.slice(0, 40);
    throw new Error(`must be a checkpoint of format ${FORMAT}; got ${info?.format ?? given}`);
  }
  const { step, settings } = info!;
  if (!Number.isSafeInteger(step) || step! < 0) {
    throw new Error(`the step in its metadata must be a whole number; got ${JSON.stringify(step)}`);
  }
  return { ...(info as CheckpointInfo), settings: settingsIn(info!.format, settings) };
}

/** The value behind JSON, null where it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Goes on from the checkpoint of a run of the same settings; throws, before anything changes, if it is another model's. */
export async function restoreTrainer(trainer: Trainer, checkpoint: Checkpoint): Promise<void> {
  await load(trainer.device, viewsOf(trainer), checkpoint);
  trainer.continueFrom(checkpoint.info.step);
}

/**
 * Puts a network's parameters into a model: what lies in the checkpoint behind `prefix`, see `prefixOf`. The model may have
 * fewer, for example the encoder alone.
 */
export const loadParameters = (model: Parameters, checkpoint: Checkpoint, prefix = ""): Promise<void> => {
  const views = [...model.views(model.values)].map(([name, view]) => [prefix + name, view] as const);
  return load(model.device, new Map(views), checkpoint);
};

/** The network that probes read, as it was before the first step, or with what the checkpoint has of it. */
export async function savedEncoder(
  device: Device,
  checkpoint: Checkpoint,
  options: { untrained?: boolean } = {},
): Promise<{ params: Parameters; config: VitConfig }> {
  const { settings } = checkpoint.info;
  const method = methodOf(settings);
  const networks = method.networks(settings.seed);
  const { network, config } = method.encoder;
  const params = new Parameters(device, networks[network]!, { gradients: false });
  if (!options.untrained) await loadParameters(params, checkpoint, prefixOf(networks, network));
  return { params, config };
}

async function load(device: Device, views: ReadonlyMap<string, Tensor>, from: Checkpoint): Promise<void> {
  for (const [name, { shape }] of views) checkShape(name, shape, from.entries.get(name));
  let waiting = 0;
  for (const [name, view] of views) {
    view.write(await from.values(name));
    waiting += view.bytes;
    if (waiting < MOST_WAITING) continue;
    await device.finish();
    waiting = 0;
  }
}

function checkShape(name: string, shape: Shape, found: HeaderEntry | undefined): void {
  if (found && `${found.shape}` === `${shape}`) return;
  const given = found ? `[${found.shape}]` : "nothing";
  throw new Error(`checkpoint: ${name} must have shape [${shape}]; got ${given}. Was it another model?`);
}
