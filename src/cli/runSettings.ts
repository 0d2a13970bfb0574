/** From flags and pictures to the settings of a run, fresh or resumed. */
import { createHash } from "node:crypto";
import { planBatches } from "../data/batches.ts";
import type { ImageSet } from "../data/images.ts";
import { maeConfig } from "../models/mae.ts";
import { vitConfig } from "../models/vit.ts";
import { type DataDescription, maeRun, type RunSettings } from "../train/run.ts";
import type { DataFlags } from "./dataOptions.ts";
import { asUsage, UsageError } from "./errors.ts";

/** The flags of `partwise pretrain mae` as commander gives them. */
export interface PretrainFlags extends DataFlags {
  out: string;
  model?: string;
  steps?: number;
  epochs?: number;
  batch?: number;
  seed?: number;
  baseRate?: number;
  warmup?: number;
  maskRatio?: number;
  normPix: boolean;
  imageSize?: number;
  gradCheckpointing?: boolean;
  saveEvery?: number;
  resume?: boolean;
  /** False with --no-tune. */
  tune: boolean;
  json?: boolean;
}

/** Pictures per step when --batch says nothing. */
export const DEFAULT_BATCH = 128;
/** A fresh run says what and how long. */
export function checkFresh({ model, steps, epochs }: PretrainFlags): void {
  if (model === undefined)
    throw new UsageError("--model must name the encoder, for example vit_micro_patch4_32");
  if (steps === undefined && epochs === undefined)
    throw new UsageError("--steps or --epochs must say how long to train");
}

/** On resuming, the checkpoint's settings count: a flag may repeat them, not change them. */
export function checkFlags(flags: PretrainFlags, { mae, data, ...saved }: RunSettings): void {
  const epochSteps = Math.floor(data.count / saved.batchSize);
  const pairs: [string, unknown, unknown][] = [
    ["--model", flags.model, saved.model],
    ["--steps", flags.steps, saved.totalSteps],
    ["--epochs", flags.epochs, saved.totalSteps / epochSteps],
    ["--batch", flags.batch, saved.batchSize],
    ["--seed", flags.seed, saved.seed],
    ["--base-rate", flags.baseRate, saved.baseRate],
    ["--warmup", flags.warmup, saved.warmupSteps],
    ["--mask-ratio", flags.maskRatio, mae.maskRatio],
    ["--image-size", flags.imageSize, mae.encoder.imageSize],
    ["--no-norm-pix", flags.normPix ? undefined : "given", mae.normPixLoss ? "not given" : "given"],
  ];
  for (const [name, given, had] of pairs) {
    if (given !== undefined && given !== had) {
      throw new UsageError(`${name} must be as in the run that is resumed, ${had}; got ${given}`);
    }
  }
}

/** The encoder of a fresh run, before any picture is read. */
export const encoderOf = ({
  model,
  imageSize,
  maskRatio,
}: Pick<PretrainFlags, "model" | "imageSize" | "maskRatio">) =>
  asUsage(() => {
    const encoder = vitConfig(model!, imageSize === undefined ? {} : { imageSize });
    return maeConfig(encoder, maskRatio === undefined ? {} : { maskRatio }).encoder;
  });

/** What a checkpoint remembers of its pictures; the digest tells apart sets of one name and size. */
export function dataOf({ name, count, width, height, pixels }: ImageSet): DataDescription {
  return { name, count, width, height, sha256: createHash("sha256").update(pixels).digest("hex") };
}

/** Returns the saved settings if the pictures are those of the run. */
export function checkData(saved: RunSettings, data: ReturnType<typeof dataOf>): RunSettings {
  const was = saved.data;
  const words = ({ name, count, width, height }: RunSettings["data"]) =>
    `${count} pictures of ${width} x ${height} (${name})`;
  const isAlike = words(was) === words(data);
  if (isAlike && (was.sha256 === undefined || was.sha256 === data.sha256)) return saved;
  throw new UsageError(
    `the pictures must be those of the run that is resumed, ${words(was)}; got ${words(data)}` +
      `${isAlike ? " with other contents" : ""}. Repeat its --data, --limit and --data-size`,
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
export function settingsOf(
  flags: Omit<PretrainFlags, "out" | "data" | "tune">,
  data: DataDescription,
): RunSettings {
  const batchSize = flags.batch ?? DEFAULT_BATCH;
  const { stepsPerEpoch } = planBatches({ count: data.count, batchSize, shuffle: null });
  return maeRun({
    model: flags.model!,
    data,
    seed: flags.seed ?? 0,
    batchSize,
    totalSteps: flags.steps ?? stepsOf(flags.epochs!, stepsPerEpoch),
    baseRate: flags.baseRate,
    warmupSteps: flags.warmup,
    maskRatio: flags.maskRatio,
    normPixLoss: flags.normPix,
    imageSize: flags.imageSize,
  });
}
