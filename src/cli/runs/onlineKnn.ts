// The accuracy of an encoder while it trains, by `partwise eval knn`'s vote on fewer pictures: some of those that the run sees
// vote on some that it never does. A run is the same to the bit with it and without.

import { balanced } from "../../data/balanced.ts";
import type { Split } from "../../data/dataFormat.ts";
import { checkEvaluation, checkLabelled } from "../../data/evaluationPair.ts";
import { IMAGENET_STATISTICS, type ImageSet, subset } from "../../data/images.ts";
import { extractFeatures, type Features, vitFeatures } from "../../eval/features.ts";
import { knn } from "../../eval/probes/knn.ts";
import type { MethodName } from "../../models/methods.ts";
import type { VitConfig } from "../../models/vit.ts";
import { moduleOf } from "../../train/run.ts";
import type { Trainer } from "../../train/trainer.ts";
import { type DataChoice, loadSplit } from "../pictures/datasets.ts";
import { asUsage } from "../system/errors.ts";
import { printNote } from "../system/output.ts";

/** Pictures of either split at most, as many of every class. */
export const MOST_PICTURES = 500;
const NEIGHBOURS = 20;
/** Pictures per run of the encoder: they bound the memory that is taken beside the trainer's. */
const BATCH = 64;

/** The training pictures that vote, and the pictures of the test split that are voted on. */
export type KnnPictures = Readonly<Record<Split, ImageSet>>;

/** Chooses them for a run on `train`. A set without labels, or without a test split, is a `UsageError`. */
export async function knnPictures(
  choice: DataChoice,
  train: ImageSet,
  { imageSize }: Pick<VitConfig, "imageSize">,
): Promise<KnnPictures> {
  await asUsage(() => checkLabelled(train));
  const limit = Math.min(choice.limit ?? MOST_PICTURES, MOST_PICTURES);
  const test = await loadSplit({ ...choice, limit }, "test", { drawnSize: imageSize });
  await asUsage(() => checkEvaluation(train, test, printNote));
  return { train: subset(train, balanced(train.labels, MOST_PICTURES)), test };
}

/** k-NN by what is usually read of the method's encoder, as it is now. What it takes of the device it gives back. */
export async function encoderKnn(
  { device, encoder, method }: Pick<Trainer, "device" | "encoder" | "method">,
  pictures: KnnPictures,
): Promise<{ accuracy: number; sentence: string }> {
  const { config } = method.encoder;
  const { reading } = moduleOf(method.name as MethodName);
  const features = (split: Split): Promise<Features> =>
    extractFeatures(device, vitFeatures(encoder, config, reading), pictures[split], {
      statistics: IMAGENET_STATISTICS,
      imageSize: config.imageSize,
      batchSize: BATCH,
    });
  const { scores, chance, ...sizes } = await knn(device, await features("train"), await features("test"), {
    k: [NEIGHBOURS],
  });
  await device.allocator.trim(); // nothing else takes what was given back until the next time
  const { top1, neighbours } = scores[0]!;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return {
    accuracy: top1,
    sentence:
      `k-NN ${percent(top1)}, guessing ${percent(chance)} (${reading}, ${sizes.queries} test pictures, ${neighbours} nearest of ` +
      `${sizes.bankSize} training pictures)`,
  };
}
