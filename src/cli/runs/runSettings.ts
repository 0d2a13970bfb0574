/** From flags and pictures to the settings of a run, fresh or resumed. */
import { createHash } from "node:crypto";
import { planBatches } from "../../data/batches.ts";
import type { ImageSet } from "../../data/images.ts";
import type { Precision } from "../../engine/gpu/device.ts";
import type { MethodName } from "../../models/methods.ts";
import { vitConfig } from "../../models/vit.ts";
import {
  type DataDescription,
  descriptionOf,
  moduleOf,
  type RunSettings,
  runSettings,
} from "../../train/run.ts";
import { DEFAULT_BATCH, flagOf, type ModelFlags, onOrOff } from "../options/methodOptions.ts";
import type { DataFlags } from "../pictures/dataOptions.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { sha256Of } from "../system/sha256.ts";
import type { GivenStart } from "./givenStart.ts";
import type { GivenTokenizer } from "./givenTokenizer.ts";

/** What decides a run, out of the flags. */
export interface RunFlags extends ModelFlags {
  method: MethodName;
  /** The method's own settings that were given. */
  config: Record<string, unknown>;
  steps?: number;
  epochs?: number;
  seed?: number;
  lr?: number;
  baseRate?: number;
  warmup?: number;
  precision?: Precision;
  /** Of pictures that nobody has seen yet; ImageNet's when absent. */
  classes?: number;
  /** The tokenizer that is given to the run, and the encoder that it starts from. */
  given?: GivenTokenizer;
  start?: GivenStart;
}

/** The flags of `partwise pretrain` as commander gives them, and the method's. */
export interface PretrainFlags extends RunFlags, DataFlags {
  out: string;
  saveEvery?: number;
  knnEvery?: number;
  /** The file of a tokenizer. */
  tokenizer?: string;
  /** The run that is started from. */
  from?: string;
  /** The run of a teacher, and its parameters as `Trainer.ready` takes them. */
  distill?: string;
  teacher?: ReadonlyMap<string, Float32Array>;
  resume?: boolean;
  /** False with --no-tune. */
  tune: boolean;
  json?: boolean;
}

/** Classes of pictures that nobody has seen yet: ImageNet's. */
export const ASSUMED_CLASSES = 1000;

/** A fresh run says what and how long. */
export function checkFresh({ model, steps, epochs }: RunFlags): void {
  checkModel({ model });
  if (steps === undefined && epochs === undefined)
    throw new UsageError("--steps or --epochs must say how long to train");
}

export function checkModel({ model }: ModelFlags): void {
  if (model === undefined)
    throw new UsageError("--model must name the encoder, for example vit_micro_patch4_32");
}

/** On resuming, the checkpoint's settings count: a flag may repeat them, not change them. */
export function checkFlags(flags: PretrainFlags, saved: RunSettings): void {
  const { method, data, lr, batchSize, totalSteps } = saved;
  if (flags.method !== method) {
    throw new UsageError(
      `the run that is resumed must be one of ${flags.method}; it is one of ${method}. Use \`partwise pretrain ${method}\``,
    );
  }
  if (flags.distill !== undefined) {
    throw new UsageError("--distill is for a fresh run: one that is resumed has its teacher with it");
  }
  if (flags.from !== undefined) {
    throw new UsageError("--from is for a fresh run: one that is resumed has its encoder with it");
  }
  const { fitted = (_, config) => config } = moduleOf(method);
  const had = saved.config as Record<string, unknown>;
  const asked = fitted(saved.encoder, { ...had, ...flags.config }) as Record<string, unknown>;
  const own = Object.keys(flags.config).map((key): [string, unknown, unknown] => {
    const name = flagOf(method, key);
    const [now, before] = [asked[key], had[key]].map((value) =>
      typeof value === "boolean" ? onOrOff(value) : `${value}`,
    );
    return [name, now, before];
  });
  const isBaseRate = flags.baseRate !== undefined && (flags.baseRate * batchSize) / 256 === lr.base;
  const pairs: [string, unknown, unknown][] = [
    ["--model", flags.model, saved.model],
    ["--steps", flags.steps, totalSteps],
    ["--epochs", flags.epochs, totalSteps / Math.floor(data.count / batchSize)],
    ["--batch", flags.batch, batchSize],
    ["--seed", flags.seed, saved.seed],
    ["--recipe", flags.recipe, saved.recipe],
    ["--lr", flags.lr, lr.base],
    ["--base-rate", flags.baseRate, isBaseRate ? flags.baseRate : (lr.base * 256) / batchSize],
    ["--warmup", flags.warmup, lr.warmupSteps],
    ["--image-size", flags.imageSize, saved.encoder.imageSize],
    ["--precision", flags.precision, precisionOf(saved)],
    ["--tokenizer", flags.given && `codes ${flags.given.sha256}`, codesOf(saved)],
    ...own,
  ];
  for (const [name, given, had] of pairs) {
    if (given !== undefined && given !== had) {
      throw new UsageError(`${name} must be as in the run that is resumed, ${had}; got ${given}`);
    }
  }
}

/** The precision of a run. */
export const precisionOf = ({ precision }: RunSettings): Precision => precision ?? "f32";

const codesOf = ({ tokenizer }: RunSettings): string =>
  tokenizer === undefined ? "codes that it found itself" : `codes ${tokenizer}`;

/** What a checkpoint remembers of its pictures; the digests tell apart sets of one name and size. */
export const dataOf = (images: ImageSet): DataDescription => ({
  ...descriptionOf(images),
  sha256: sha256Of(images.pixels),
  labels: createHash("sha256").update(JSON.stringify(images.classes)).update(images.labels).digest("hex"),
});

/** Returns the saved settings if the pictures are those of the run. */
export function checkData(saved: RunSettings, data: DataDescription): RunSettings {
  const was = saved.data;
  const words = ({ name, count, width, height }: DataDescription) =>
    `${count} pictures of ${width} x ${height} (${name})`;
  const differs = (key: "sha256" | "labels") => was[key] !== undefined && was[key] !== data[key];
  const isAlike = words(was) === words(data);
  const other = !isAlike ? "" : differs("sha256") ? " with other contents" : " with other classes or labels";
  if (isAlike && !differs("sha256") && !differs("labels")) return saved;
  throw new UsageError(
    `the pictures must be those of the run that is resumed, ${words(was)}; got ${words(data)}` +
      `${other}. Repeat its --data, --limit and --data-size`,
  );
}

/** Steps of that many epochs; throws where the GPU, which counts them in 32 bits, could not. */
function stepsOf(epochs: number, perEpoch: number): number {
  const steps = epochs * perEpoch;
  if (steps >= 2 ** 32) {
    throw new Error(`--epochs must come to less than 2^32 steps; ${epochs} of ${perEpoch} are ${steps}`);
  }
  return steps;
}

/** The settings of a fresh run. */
export function settingsOf(flags: RunFlags, data: DataDescription): RunSettings {
  const { method, recipe, imageSize, config } = flags;
  const batchSize = flags.batch ?? DEFAULT_BATCH;
  const { stepsPerEpoch } = planBatches({ count: data.count, batchSize, shuffle: null });
  return runSettings({
    method,
    recipe,
    model: flags.model!,
    data,
    seed: flags.seed ?? 0,
    batchSize,
    totalSteps: flags.steps ?? stepsOf(flags.epochs!, stepsPerEpoch),
    rate: flags.lr,
    baseRate: flags.baseRate,
    warmupSteps: flags.warmup,
    imageSize,
    ...(flags.start && { start: flags.start }),
    precision: flags.precision,
    config: { ...config, ...flags.given?.config },
    tokenizer: flags.given?.sha256,
  });
}

/** The settings of one step on pictures that nobody has seen yet: what can be judged before they are read. */
export const assumedSettings = (flags: RunFlags): Promise<RunSettings> =>
  asUsage(() => {
    checkModel(flags);
    const { imageSize } = flags;
    const { imageSize: side } = vitConfig(flags.model!, imageSize === undefined ? {} : { imageSize });
    const count = flags.batch ?? DEFAULT_BATCH;
    const { classes = ASSUMED_CLASSES } = flags;
    const assumed = { name: "", count, width: side, height: side, classes };
    return settingsOf({ ...flags, steps: 1 }, assumed);
  });
