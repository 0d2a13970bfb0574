/** What a segmentation head is trained on: tokens that were computed once, or those of pieces that are cut anew each time. */
import { type ChannelStatistics, pictureAt } from "../../data/images.ts";
import type { PixelSet } from "../../data/pixelSet.ts";
import { type LabelledPicture, segmentationCrop } from "../../data/segmentationCrop.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { Random } from "../../engine/random.ts";
import type { Hold } from "../holding.ts";
import { featureMaps } from "../maps/featureMaps.ts";
import type { BlockEncoder } from "./blockTokens.ts";
import { pictureBatch } from "./pictureBatch.ts";

/** The batches of a training. */
export interface SegmentationFeed {
  /** Tokens of the batch, [B, rows, columns, F]; called while the step is recorded. */
  tokens(): Tensor;
  /** u32 [B, H, W] */
  labels: Tensor;
  /** Brings the pictures of an update there, in queue order. */
  load(pictures: Uint32Array, update: number): void | Promise<void>;
}

export interface FeedOptions {
  batchSize: number;
  statistics: ChannelStatistics;
  onProgress?: (done: number, count: number) => void;
}

/** Picture i of a set with its labels, which stay the set's. */
export function labelledPicture(set: PixelSet, i: number): LabelledPicture {
  const area = set.width * set.height;
  return { ...pictureAt(set, i), labels: set.pixelLabels.subarray(i * area, (i + 1) * area) };
}

/** Whole pictures, whose tokens are computed once and kept on the host. */
export async function cachedFeed(
  device: Device,
  encoder: BlockEncoder,
  set: PixelSet,
  { batchSize, statistics, onProgress }: FeedOptions,
  hold: Hold,
): Promise<SegmentationFeed> {
  const { kept } = await featureMaps(
    device,
    { encode: (images) => ({ kept: encoder.encode(images) }) },
    set,
    { statistics, ...(onProgress ? { onProgress } : {}) },
  );
  const { values, rows, columns, dim } = kept;
  const perPicture = rows * columns * dim;
  const batch = new Float32Array(batchSize * perPicture);
  const classes = new Uint32Array(batchSize * set.height * set.width);
  const tokens = hold(Tensor.from(device, batch, [batchSize, rows, columns, dim]));
  const labels = hold(Tensor.from(device, classes, [batchSize, set.height, set.width], "u32"));
  return {
    tokens: () => tokens,
    labels,
    async load(pictures) {
      for (const [place, i] of pictures.entries()) {
        batch.set(values.subarray(i * perPicture, (i + 1) * perPicture), place * perPicture);
        classes.set(labelledPicture(set, i).labels, place * set.height * set.width);
      }
      await device.finish(); // the queue keeps a copy of what it has not written yet
      tokens.write(batch);
      labels.write(classes);
    },
  };
}

/**
 * Pictures that the encoder sees in every update: whole, or pieces of side `crop`, each a pure function of (seed, update, place
 * in the batch).
 */
export function liveFeed(
  device: Device,
  encoder: BlockEncoder,
  set: PixelSet,
  { batchSize, statistics, crop, seed }: FeedOptions & { crop: number | null; seed: number },
  hold: Hold,
): SegmentationFeed {
  const [height, width] = crop === null ? [set.height, set.width] : [crop, crop];
  const batch = pictureBatch(device, { size: batchSize, height, width }, statistics, hold);
  return {
    tokens: () => encoder.encode(batch.images()),
    labels: batch.labels,
    async load(pictures, update) {
      const views = Array.from(pictures, (i, place) => {
        const whole = labelledPicture(set, i);
        if (crop === null) return whole;
        const random = new Random(seed, "crop", update * batchSize + place);
        return segmentationCrop(whole, crop, () => random.next());
      });
      await device.finish(); // the queue keeps a copy of what is written until the GPU has it
      batch.write(views);
    },
  };
}
