import type { ImageSet } from "../data/images.ts";
import type { Precision } from "../engine/gpu/device.ts";
import type { ClipOptions } from "../engine/optim/clip.ts";
import { maeConfigOf } from "../models/mae.ts";
import type { Method, MethodModule } from "../models/method.ts";
import { METHODS, type MethodName } from "../models/methods.ts";
import type { FineTuningName, RecipeName, ScheduleSpec } from "../models/recipe.ts";
import { defaultsOf } from "../models/settings.ts";
import { type VitConfig, vitConfig } from "../models/vit.ts";

/**
 * Everything that decides what a training run computes, as JSON: two runs with equal settings on one adapter give the same
 * bits. Stored with every checkpoint.
 */
export interface RunSettings {
  method: MethodName;
  /** Where the numbers below are from, but for those that were chosen. */
  recipe: RecipeName;
  /** The method's own settings, all of them. */
  config: object;
  /** timm-style name, for example `vit_micro_patch4_32`, and what it stands for. */
  model: string;
  encoder: VitConfig;
  /** Which pictures, to refuse resuming on others. */
  data: DataDescription;
  seed: number;
  batchSize: number;
  totalSteps: number;
  betas: readonly [number, number];
  lr: Extract<ScheduleSpec, { kind: "warmupCosine" | "linspaceCosine" }>;
  weightDecay: ScheduleSpec;
  /** Of the gradients; null without. */
  clip: Required<ClipOptions> | null;
  /** SHA-256 of the encoder that the run starts from, hexadecimal; absent where that has first values. */
  start?: string;
  /** Of matrix products; f32 where it is absent. */
  precision?: "f16";
  /** SHA-256 of the tokenizer's codes that the run was given, hexadecimal; absent where it finds its own, or none. */
  tokenizer?: string;
}

/** What identifies a set of pictures. */
export interface DataDescription {
  name: string;
  count: number;
  width: number;
  height: number;
  /** How many its labels tell apart; 0, or absent, where it has none. */
  classes?: number;
  /** Of the pixels, hexadecimal. */
  sha256?: string;
  /** The same of the classes' names and of every picture's label. */
  labels?: string;
}

/** The description of a set of pictures. */
export const descriptionOf = ({ name, count, width, height, classes }: Described): DataDescription => ({
  name,
  count,
  width,
  height,
  classes: classes.length,
});
type Described = Pick<ImageSet, "name" | "count" | "width" | "height" | "classes">;

/** What a run is asked for; the recipe has the rest. */
export interface RunChoices {
  method: MethodName;
  model: string;
  data: DataDescription;
  seed: number;
  batchSize: number;
  totalSteps: number;
  /** `small` up to 96 pixels and `paper` above when absent. */
  recipe?: RecipeName;
  /** Learning rate as it stands, or per 256 pictures of a batch; the recipe's when both are absent. */
  rate?: number;
  baseRate?: number;
  warmupSteps?: number;
  imageSize?: number;
  /** The encoder that the run starts from, instead of the model's, and its SHA-256. */
  start?: { encoder: VitConfig; sha256: string };
  /** Of matrix products; f32 when absent. */
  precision?: Precision;
  /** Settings of the method that differ from its recipe's. */
  config?: object;
  /** SHA-256 of the tokenizer's codes that will be given. */
  tokenizer?: string;
}

/** Side up to which pictures are small. */
const SMALL_SIDE = 96;

/** The recipe for an encoder where none is named. */
export const recipeFor = ({
  imageSize,
}: Pick<VitConfig, "imageSize">): Exclude<RecipeName, FineTuningName> =>
  imageSize <= SMALL_SIDE ? "small" : "paper";

/** A method by name with its types forgotten: what the programs, which know all methods alike, work with. */
export const moduleOf = (method: MethodName): MethodModule<object> =>
  METHODS[method] as unknown as MethodModule<object>;

/** The settings of a run. Throws one sentence where they do not fit each other. */
export function runSettings(choices: RunChoices): RunSettings {
  const { method, model, seed, batchSize, totalSteps, imageSize } = choices;
  const encoder = choices.start?.encoder ?? vitConfig(model, imageSize === undefined ? {} : { imageSize });
  const { settings, recipes, fitted = (_, config) => config } = moduleOf(method);
  const name = choices.recipe ?? recipeFor(encoder);
  const recipe = recipes[name];
  if (!recipe) {
    throw new Error(`${method}: the recipe must be one of ${Object.keys(recipes).join(", ")}; got ${name}`);
  }
  const { kind, base, per, min, warmup } = recipe.lr;
  const published = per === undefined ? base : (base * batchSize) / per;
  const asked = choices.baseRate === undefined ? choices.rate : (choices.baseRate * batchSize) / 256;
  const rate = asked ?? published;
  const { weightDecay } = recipe;
  const run: RunSettings = {
    method,
    recipe: name,
    config: fitted(encoder, { ...defaultsOf(settings), ...recipe.config, ...choices.config }),
    model,
    encoder,
    data: choices.data,
    seed,
    batchSize,
    totalSteps,
    betas: recipe.betas,
    lr: {
      kind,
      base: rate,
      min: Math.min(min, rate),
      warmupSteps: choices.warmupSteps ?? Math.round(totalSteps * warmup),
    },
    weightDecay:
      typeof weightDecay === "number"
        ? { kind: "constant", value: weightDecay }
        : { kind: "cosine", from: weightDecay[0], to: weightDecay[1] },
    clip: recipe.clip,
    ...(choices.start && { start: choices.start.sha256 }),
    ...(choices.precision === "f16" && { precision: "f16" }),
    ...(choices.tokenizer !== undefined && { tokenizer: choices.tokenizer }),
  };
  methodOf(run); // what does not fit is said now
  return run;
}

/** The method of a run. Throws one sentence where it cannot be made. */
export function methodOf({ method, config, encoder, batchSize, data }: RunSettings): Method {
  const made = moduleOf(method).make({ encoder, batchSize, classes: data.classes ?? 0 }, config);
  const { leastBatch = 1, needsLabels = false, views } = made;
  if (batchSize < leastBatch) {
    throw new Error(`${method}: a batch must have ${leastBatch} pictures or more; got ${batchSize}`);
  }
  if (needsLabels && !(data.classes && data.classes > 1)) {
    throw new Error(
      `${method}: the pictures must have labels of two classes or more; got ${data.name} with ${data.classes || "none"}`,
    );
  }
  for (const { size, follows } of views) {
    if (follows !== undefined) continue; // it is not cut into patches
    if (size < encoder.patchSize || size % encoder.patchSize !== 0) {
      throw new Error(
        `${method}: the side of a crop must be a multiple of the patch size ${encoder.patchSize}; got ${size}`,
      );
    }
  }
  return made;
}

/** The configuration of a MAE run, for what looks into its decoder; null of another method's. */
export const maeConfigOfRun = ({ method, encoder, config }: RunSettings) =>
  method === "mae" ? maeConfigOf({ encoder }, config as Parameters<typeof maeConfigOf>[1]) : null;
