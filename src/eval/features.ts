import { type ChannelStatistics, type ImageSet, pictureAt } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { mean } from "../engine/ops/mean.ts";
import { slice } from "../engine/ops/slice.ts";
import { classToken } from "../models/heads.ts";
import { anyVit } from "../models/relativeVit.ts";
import { classTokensOf, type VitConfig, type VitOutput } from "../models/vit.ts";
import { type Encode, fitPicture, openEncoding } from "./encoding.ts";
import { holding } from "./holding.ts";

/** Frozen features of a labelled set: what probes read. */
export interface Features {
  /** Row-major [count, dim]. */
  values: Float32Array;
  /** Class of each row, [count], in [0, classes). */
  labels: Int32Array;
  dim: number;
  /** Number of classes. */
  classes: number;
}

/** tokens [B, C + N, D] -> the mean of the patches [B, D]. */
const patchMean = (tokens: Tensor, config: VitConfig): Tensor =>
  mean(slice(tokens, 1, classTokensOf(config)), 1);

/** How a feature is read from the tokens of a ViT. */
export const READINGS = {
  cls: ({ tokens }: VitOutput) => classToken(tokens),
  mean: ({ tokens }: VitOutput, config: VitConfig) => patchMean(tokens, config),
  "cls+mean": ({ tokens }: VitOutput, config: VitConfig) =>
    concat([classToken(tokens), patchMean(tokens, config)], 1),
  cls4: ({ blocks }: VitOutput, _: VitConfig, params: Parameters) => {
    if (blocks.length < 4) throw new Error(`cls4: needs at least 4 blocks; got ${blocks.length}. Read "cls"`);
    const [weight, bias] = [params.get("norm.weight"), params.get("norm.bias")];
    return concat(
      blocks.slice(-4).map((block) => layerNorm(classToken(block), weight, bias)),
      1,
    );
  },
} satisfies Record<string, (output: VitOutput, config: VitConfig, params: Parameters) => Tensor>;

/**
 * `cls`: class token after the final norm, [B, D] (MAE, MoCo v3, k-NN). `mean`: mean of the patch tokens after it, [B, D].
 * `cls+mean`: both, [B, 2 D] (DINO's linear probe of ViT-B). `cls4`: class tokens of the last four blocks, each through
 * the final norm, [B, 4 D] (DINO's of ViT-S).
 */
export type Reading = keyof typeof READINGS;

const WIDTHS: Record<Reading, number> = { cls: 1, mean: 1, "cls+mean": 2, cls4: 4 };

/** Numbers that a reading of an encoder has. */
export const readingWidth = (reading: Reading, { embedDim }: Pick<VitConfig, "embedDim">): number =>
  WIDTHS[reading] * embedDim;

/** A ViT and a reading as one function. images [B, H, W, 3] -> [B, F]. */
export const vitFeatures =
  (params: Parameters, config: VitConfig, reading: Reading): Encode =>
  (images) =>
    READINGS[reading](anyVit(params, config, images), config, params);

export interface ExtractOptions {
  /** Pictures per run of the encoder; changes the time and memory, never the features. */
  batchSize?: number;
  /** Channel statistics the encoder was trained with. */
  statistics: ChannelStatistics;
  /** Side of the encoder's square pictures; the pictures' own size when absent. Others are fitted, see `fitPicture`. */
  imageSize?: number;
  /** Called after each batch with the number of pictures done. */
  onProgress?: (done: number, count: number) => void;
}

/**
 * Features of every picture by a frozen encoder. images [count, h, w, 3] uint8, normalised to (v / 255 - mean) / std
 * -> values [count, F] on the host. The encoder is compiled once; the last batch is padded and cut.
 */
export async function extractFeatures(
  device: Device,
  encode: Encode,
  images: ImageSet,
  options: ExtractOptions,
): Promise<Features> {
  let found = { values: new Float32Array(0), dim: 0 };
  await eachBatch(device, encode, images, options, (values, dim, start) => {
    if (start === 0) found = { values: new Float32Array(images.count * dim), dim };
    found.values.set(values, start * dim);
  });
  return { ...found, labels: images.labels, classes: images.classes.length };
}

/**
 * The same without keeping them: calls `visit` with the features of each batch [b, dim], which begins at picture `start`, in order.
 */
export async function eachBatch(
  device: Device,
  encode: Encode,
  images: ImageSet,
  options: ExtractOptions,
  visit: (values: Float32Array, dim: number, start: number) => void,
): Promise<void> {
  const { statistics, imageSize, onProgress } = options;
  const { count } = images;
  if (count === 0) throw new Error(`extractFeatures: ${images.name} must hold a picture; got 0`);
  const batchSize = Math.min(options.batchSize ?? 64, count);
  const [height, width] = imageSize ? [imageSize, imageSize] : [images.height, images.width];
  const pictures = function* (start: number) {
    for (let i = start; i < Math.min(start + batchSize, count); i++) {
      yield imageSize ? fitPicture(pictureAt(images, i), imageSize) : pictureAt(images, i);
    }
  };

  await holding(async (hold) => {
    const shape = { size: batchSize, height, width };
    const { features, prepare, run } = await openEncoding(device, encode, shape, statistics, hold);
    const dim = features.shape[1]!;
    prepare(pictures(0));
    for (let start = 0; start < count; start += batchSize) {
      run();
      const reading = features.read();
      prepare(pictures(start + batchSize)); // the CPU works while the GPU does
      const done = Math.min(start + batchSize, count);
      visit((await reading).subarray(0, (done - start) * dim) as Float32Array, dim, start);
      onProgress?.(done, count);
    }
  });
}

/** Number of rows. Throws unless sizes agree, every value is finite and every label is a class. */
export function checkFeatures(where: string, { values, labels, dim, classes }: Features): number {
  const count = labels.length;
  if (count === 0 || values.length !== count * dim) {
    throw new Error(
      `${where}: features must be [labels, dim] with at least one row; ` +
        `got ${values.length} values for ${count} labels and dim ${dim}`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new Error(
      `${where}: every feature must be a finite number; got ${values[bad]} in row ${Math.floor(bad / dim)}. ` +
        "Did the encoder's training diverge?",
    );
  }
  checkLabels(where, { labels, classes });
  return count;
}

/** Throws unless every label is a class. */
export function checkLabels(where: string, { labels, classes }: Pick<Features, "labels" | "classes">): void {
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) {
    throw new Error(
      `${where}: labels must be in [0, ${classes}); got ${labels[wrong]} in row ${wrong}. Is the set labelled?`,
    );
  }
}

/** `checkFeatures` of a training and a test set, which must be of one kind. */
export function checkPair(where: string, train: Features, test: Features): void {
  checkFeatures(`${where}, training`, train);
  checkFeatures(`${where}, test`, test);
  checkKind(where, train, test);
}

/** What tells the rows of a set, wherever they are. */
export type Kind = Pick<Features, "labels" | "dim" | "classes">;

/** Throws unless a training and a test set have rows alike and a class in common. */
export function checkKind(where: string, train: Kind, test: Kind): void {
  if (train.dim !== test.dim || train.classes !== test.classes) {
    throw new Error(
      `${where}: training and test features must have one dim and the same classes; ` +
        `got dim ${train.dim} and ${test.dim}, ${train.classes} and ${test.classes} classes`,
    );
  }
  const known = new Set(train.labels);
  if (!test.labels.some((label) => known.has(label))) {
    throw new Error(
      `${where}: some test label must be among the training labels; got none of ${test.labels.length}. ` +
        "Are both of one data set?",
    );
  }
}
