import { toFloat32 } from "../data/safetensors.ts";
import { type ByteSource, openSafetensors, safetensorsPieces } from "../data/safetensorsFile.ts";
import type { HeaderEntry } from "../data/safetensorsHeader.ts";
import type { Device } from "../engine/gpu/device.ts";
import { Parameters } from "../engine/graph/parameters.ts";
import type { Shape, Tensor } from "../engine/graph/tensor.ts";
import type { Method, Projection } from "../models/method.ts";
import type { VitConfig } from "../models/vit.ts";
import { methodOf, type RunSettings } from "./run.ts";
import { prefixOf, valuesOf, viewsOf } from "./runState.ts";
import { FORMAT, FORMATS, settingsIn } from "./savedSettings.ts";
import type { Trainer } from "./trainer.ts";

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

/** The networks of a saved run. Tensors stay in the file until they are asked for. */
export interface Saved {
  info: Pick<CheckpointInfo, "format" | "step" | "settings">;
  /** By name: the trained network's as they are called, another's as `<network>.<name>`. */
  entries: ReadonlyMap<string, HeaderEntry>;
  /** One tensor's values; throws if the file has none of this name. */
  values(name: string): Promise<Float32Array>;
}

/** A run that can go on: moments are there as `optimizer.<moment>.<name>`. */
export interface Checkpoint extends Saved {
  info: CheckpointInfo;
}

/** What a device is called in a checkpoint: equal settings give equal bits on one adapter, not on two. */
export const adapterName = ({ info, capabilities }: Device): string =>
  (info.description || info.vendor) + (capabilities.matrices.length > 0 ? ", subgroup matrices" : "");

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

/** Opens what `encodeCheckpoint` wrote. `name` is the file's, for messages. */
export const openCheckpoint = (name: string, source: ByteSource): Promise<Checkpoint> =>
  open(name, source, infoIn);

/** Opens safetensors with metadata of ours, of which `infoOf` makes what is known or throws a sentence. */
export const open = <I extends Saved["info"]>(
  name: string,
  source: ByteSource,
  infoOf: (metadata: string | undefined) => I,
): Promise<Saved & { info: I }> =>
  inFile(name, async () => {
    const { entries, metadata, tensor } = await openSafetensors(source);
    const info = infoOf(metadata.partwise);
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
export function infoIn(text: string | undefined): CheckpointInfo {
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
export function parsed(text: string): unknown {
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
 * Puts a network's parameters into a model: what lies in the file behind `prefix`, see `prefixOf`. The model may have
 * fewer, for example the encoder alone.
 */
export const loadParameters = (model: Parameters, saved: Saved, prefix = ""): Promise<void> => {
  const views = [...model.views(model.values)].map(([name, view]) => [prefix + name, view] as const);
  return load(model.device, new Map(views), saved);
};

/** What probes read. */
export interface SavedEncoder {
  params: Parameters;
  config: VitConfig;
  /** The heads behind it, by name; see `Method.projections`. */
  projections: Readonly<Record<string, Projection>>;
}

/** Whether probes read a parameter of the network that they are given, see `Method.lossOnly`. */
export const isRead = ({ lossOnly = [] }: Method, name: string): boolean =>
  !lossOnly.some((start) => name.startsWith(start));

/**
 * The network that probes read, with what was saved of it, or as it was before the first step, or its moving average instead.
 * Throws one sentence where the run kept none.
 */
export async function savedEncoder(
  device: Device,
  saved: Saved,
  options: { untrained?: boolean; average?: boolean } = {},
): Promise<SavedEncoder> {
  const { settings } = saved.info;
  const method = methodOf(settings);
  const { networks: networksOf, encoder, projections = {} } = method;
  const networks = networksOf(settings.seed);
  const { config } = encoder;
  const network = options.average ? method.average : encoder.network;
  if (network === undefined) {
    throw new Error(
      `savedEncoder: the run must keep a moving average of its weights, as supervised does with --weight-ema; got one of ${method.name} without`,
    );
  }
  const specs = networks[network]!.filter(({ name }) => isRead(method, name));
  const params = new Parameters(device, specs, { gradients: false });
  if (!options.untrained) await loadParameters(params, saved, prefixOf(networks, network));
  return { params, config, projections };
}

async function load(device: Device, views: ReadonlyMap<string, Tensor>, from: Saved): Promise<void> {
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
