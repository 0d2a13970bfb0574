/** What one encoder knows, by every readout: a target, a reading of its tokens, and a probe. */
import { IMAGENET_STATISTICS, type ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import { sizeOf } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { columns } from "../eval/columns.ts";

import type { Encode } from "../eval/encoding.ts";
import { extractFeatures, type Features, READINGS } from "../eval/features.ts";
import { knn } from "../eval/knn.ts";
import { linearProbe } from "../eval/linearProbe.ts";
import { retrieval } from "../eval/retrieval.ts";
import type { Projection } from "../models/method.ts";
import { anyVit } from "../models/relativeVit.ts";
import type { VitConfig } from "../models/vit.ts";
import type { StudyPlan } from "./plan.ts";
import { type Items, picturesOf, type Target, type TargetName } from "./targets.ts";

export const PROBES = ["k-NN", "linear", "retrieval"] as const;
export type ProbeName = (typeof PROBES)[number];

/** What a readout found. */
export interface Readout {
  target: TargetName;
  /** `cls`, `mean`, `pixels`, or the name of a projection. */
  reading: string;
  probe: ProbeName;
  /** Accuracy, or mean average precision over queries, in [0, 1]. */
  score: number;
  /** What guessing gives: the share of the most frequent class, or of a query's own class. */
  floor: number;
  /** Of each picture of the test split: how many items it has, and their scores' sum. */
  pictures: { items: number[]; sums: number[] };
}

/** An encoder as a study reads it: one pass gives every reading. */
export interface StudyEncoder {
  /** Pictures [B, H, W, 3] -> the readings' features side by side, [B, F]. */
  encode: Encode;
  /** How many columns each reading has, from the left. */
  readings: Readonly<Record<string, number>>;
  imageSize: number;
}

/** A Vision Transformer read by its class token, by the mean of its patches, and by what heads make of them. */
export const vitEncoder = (
  params: Parameters,
  config: VitConfig,
  projections: Readonly<Record<string, Projection>> = {},
): StudyEncoder => ({
  encode(images) {
    const output = anyVit(params, config, images);
    const projected = Object.values(projections).map(({ of }) => of(params, output.tokens));
    return concat([READINGS["cls+mean"](output, config), ...projected], 1);
  },
  readings: {
    cls: config.embedDim,
    mean: config.embedDim,
    ...Object.fromEntries(Object.entries(projections).map(([name, { dim }]) => [name, dim])),
  },
  imageSize: config.imageSize,
});

/** No encoder at all: the pixels, centred by ImageNet's statistics. */
export const pixelEncoder = (imageSize: number): StudyEncoder => ({
  encode: (images) => {
    const [batch, ...picture] = images.shape as [number, ...number[]];
    return reshape(images, [batch, sizeOf(picture)]);
  },
  readings: { pixels: 3 * imageSize * imageSize },
  imageSize,
});

/** Every readout of an encoder. `seed` is the linear probe's. */
export async function readAll(
  device: Device,
  { encode, readings, imageSize }: StudyEncoder,
  targets: readonly Target[],
  plan: Pick<StudyPlan, "neighbours" | "linearEpochs">,
  seed: number,
): Promise<Readout[]> {
  const found: Readout[] = [];
  const features = (images: ImageSet): Promise<Features> =>
    extractFeatures(device, encode, images, { statistics: IMAGENET_STATISTICS, imageSize, batchSize: 128 });
  for (const target of targets) {
    const [probe, test] = [await features(target.probe), await features(target.test)];
    let column = 0;
    for (const [reading, width] of Object.entries(readings)) {
      const [known, asked] = [columns(probe, column, width), columns(test, column, width)];
      column += width;
      for (const { name, scores, floor } of await probed(device, known, asked, plan, seed)) {
        found.push({ target: target.name, reading, probe: name, floor, ...summed(scores, target.test) });
      }
    }
  }
  return found;
}

/** The three probes: each item's score, and the floor. The paper retrieves parts alone. */
async function probed(
  device: Device,
  probe: Features,
  test: Features,
  { neighbours, linearEpochs }: Pick<StudyPlan, "neighbours" | "linearEpochs">,
  seed: number,
): Promise<{ name: ProbeName; scores: ArrayLike<number>; floor: number }[]> {
  const nearest = await knn(device, probe, test, { k: [neighbours] });
  const linear = await linearProbe(device, probe, test, { seed, epochs: linearEpochs });
  const found = await retrieval(device, test);
  return [
    { name: "k-NN", scores: nearest.scores[0]!.hits, floor: nearest.majority },
    { name: "linear", scores: linear.hits, floor: linear.majority },
    { name: "retrieval", scores: found.precisions, floor: found.prevalence },
  ];
}

/** Scores of items as their mean, and summed by picture, the lowest first. */
function summed(scores: ArrayLike<number>, test: Items): Pick<Readout, "score" | "pictures"> {
  const byPicture = new Map<number, { items: number; sum: number }>();
  for (const [i, picture] of picturesOf(test).entries()) {
    const entry = byPicture.get(picture) ?? { items: 0, sum: 0 };
    byPicture.set(picture, { items: entry.items + 1, sum: entry.sum + scores[i]! });
  }
  const entries = [...byPicture].sort(([a], [b]) => a - b).map(([, entry]) => entry);
  const total = entries.reduce((sum, entry) => sum + entry.sum, 0);
  return {
    score: total / test.count,
    pictures: { items: entries.map(({ items }) => items), sums: entries.map(({ sum }) => sum) },
  };
}
