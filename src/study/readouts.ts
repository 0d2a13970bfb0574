/** What one encoder knows, by every readout: a target, a reading of its tokens, and a probe. */
import { IMAGENET_STATISTICS, type ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import { sizeOf } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { reshape } from "../engine/ops/reshape.ts";
import type { Encode } from "../eval/encoding.ts";
import { extractFeatures, type Features, READINGS, vitFeatures } from "../eval/features.ts";
import { columns } from "../eval/maps/columns.ts";
import { attentiveProbe } from "../eval/probes/attentiveProbe.ts";
import { knn } from "../eval/probes/knn.ts";
import { linearProbe } from "../eval/probes/linearProbe.ts";
import { retrieval } from "../eval/probes/retrieval.ts";
import { type BlockEncoder, blockTokens, patchPixels } from "../eval/segmentation/blockTokens.ts";
import { type TokenEncoder, tokenEncoder, tokenRows } from "../eval/tokens.ts";
import type { Projection } from "../models/method.ts";
import { anyVit } from "../models/relativeVit.ts";
import type { VitConfig } from "../models/vit.ts";
import type { ReadingPlan } from "./plan.ts";
import { type ProbeName, TOKENS } from "./probes.ts";
import { type Items, picturesOf, type Target, type TargetName } from "./targets.ts";

/** What a readout found. */
export interface Readout {
  target: TargetName;
  /** `cls`, `mean`, `pixels`, the name of a projection, `TOKENS` or `BLOCKS`. */
  reading: string;
  probe: ProbeName;
  /** Accuracy, mean average precision over queries, or a score of segmentation, in [0, 1]. */
  score: number;
  /** What guessing gives: the share of the most frequent class, or answers in random order. */
  floor: number;
  /** Of each picture of the test split: how many items it has, and their scores' sum; of segmentation see `pixelScores`. */
  pictures: { items: number[]; sums: number[] };
  /** Of parts: by the name of each that the test split has, how many items (crops, or pixels) are of it, and their scores' sum. */
  classes?: Readonly<Record<string, { items: number; sum: number }>>;
}

/** An encoder as a study reads it: one pass gives every reading. */
export interface StudyEncoder {
  /** Pictures [B, H, W, 3] -> the readings' features side by side, [B, F]. */
  encode: Encode;
  /** How many columns each reading has, from the left. */
  readings: Readonly<Record<string, number>>;
  /** For the probe that reads tokens; absent where there are none. */
  tokens?: TokenEncoder;
  /** For segmentation. */
  blocks: BlockEncoder;
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
  tokens: tokenEncoder(params, config),
  blocks: blockTokens(params, config),
  imageSize: config.imageSize,
});

/** The same by one reading alone, which is all that a gate asks of first values. */
export const vitReadBy = (reading: "cls" | "mean", params: Parameters, config: VitConfig): StudyEncoder => ({
  ...vitEncoder(params, config),
  encode: vitFeatures(params, config, reading),
  readings: { [reading]: config.embedDim },
});

/** No encoder at all: the pixels, centred by ImageNet's statistics; for segmentation those of each patch. */
export const pixelEncoder = ({
  imageSize,
  patchSize,
}: Pick<VitConfig, "imageSize" | "patchSize">): StudyEncoder => ({
  encode: (images) => {
    const [batch, ...picture] = images.shape as [number, ...number[]];
    return reshape(images, [batch, sizeOf(picture)]);
  },
  readings: { pixels: 3 * imageSize * imageSize },
  blocks: patchPixels(patchSize),
  imageSize,
});

/** Every readout of an encoder. `seed` is that of the probes that are trained. */
export async function readAll(
  device: Device,
  encoder: StudyEncoder,
  targets: readonly Target[],
  plan: ReadingPlan,
  seed: number,
): Promise<Readout[]> {
  const { tokens, readings, encode, imageSize } = encoder;
  const how = { statistics: IMAGENET_STATISTICS, imageSize, batchSize: 128 };
  const found: Readout[] = [];
  for (const target of targets) {
    const add = (reading: string, { name, scores, floor }: Asked) =>
      found.push({
        target: target.name,
        reading,
        probe: name,
        floor,
        ...summed(scores, target.test),
        ...byPart(scores, target),
      });
    const features = (images: ImageSet) => extractFeatures(device, encode, images, how);
    const [probe, test] = [await features(target.probe), await features(target.test)];
    let column = 0;
    for (const [reading, width] of Object.entries(readings)) {
      const [known, asked] = [columns(probe, column, width), columns(test, column, width)];
      column += width;
      for (const one of await askVectors(device, known, asked, plan, seed)) add(reading, one);
    }
    if (tokens && plan.probes.includes("attentive")) {
      const rows = (items: Items) => tokenRows(target.name, device, tokens, items, how);
      const [known, asked] = [await rows(target.probe), await rows(target.test)];
      const { width, heads } = tokens;
      const options = { seed, epochs: plan.attentiveEpochs, width, heads };
      const { hits, majority } = await attentiveProbe(device, known, asked, options);
      add(TOKENS, { name: "attentive", scores: hits, floor: majority });
    }
  }
  return found;
}

/** What a probe found: each item's score, and the floor. */
interface Asked {
  name: ProbeName;
  scores: ArrayLike<number>;
  floor: number;
}

/** The probes of a plan that read a vector. The paper retrieves parts alone. */
async function askVectors(
  device: Device,
  probe: Features,
  test: Features,
  { probes, neighbours, linearEpochs }: ReadingPlan,
  seed: number,
): Promise<Asked[]> {
  const found: Asked[] = [];
  if (probes.includes("k-NN")) {
    const { scores, majority } = await knn(device, probe, test, { k: [neighbours] });
    found.push({ name: "k-NN", scores: scores[0]!.hits, floor: majority });
  }
  if (probes.includes("linear")) {
    const { hits, majority } = await linearProbe(device, probe, test, { seed, epochs: linearEpochs });
    found.push({ name: "linear", scores: hits, floor: majority });
  }
  if (probes.includes("retrieval")) {
    const { precisions, guess } = await retrieval(device, test);
    found.push({ name: "retrieval", scores: precisions, floor: guess });
  }
  return found;
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

/** The scores of parts, summed by part; nothing of objects, of which there may be a thousand classes. */
function byPart(scores: ArrayLike<number>, { name, test }: Target): Pick<Readout, "classes"> {
  if (name !== "parts") return {};
  const classes: Record<string, { items: number; sum: number }> = {};
  for (const [i, label] of test.labels.entries()) {
    const part = test.classes[label]!;
    const { items, sum } = classes[part] ?? { items: 0, sum: 0 };
    classes[part] = { items: items + 1, sum: sum + scores[i]! };
  }
  return { classes };
}
