import type { ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import { type ClassifierConfig, classifierLogits } from "../models/classifier.ts";
import { anyVit } from "../models/relativeVit.ts";
import type { VitConfig } from "../models/vit.ts";
import { checkLabels, type ExtractOptions, extractFeatures } from "./features.ts";
import { accuracyOf, type GuessLevels, guessLevels, type Hits, topKHits } from "./metrics.ts";

export interface ClassifierResult extends GuessLevels {
  top1: number;
  top5: number;
  /** Top-1 by test picture. */
  hits: Hits;
}

/** What an encoder and the classifier that was trained with it say of test pictures; `train` has the labels that it learned. */
export async function testClassifier(
  device: Device,
  {
    params,
    encoder,
    config,
  }: { params: Parameters; encoder: VitConfig; config: Pick<ClassifierConfig, "meanPool"> },
  { train, test }: { train: ImageSet; test: ImageSet },
  options: Omit<ExtractOptions, "imageSize">,
): Promise<ClassifierResult> {
  const { imageSize } = encoder;
  const logits = await extractFeatures(
    device,
    (images) => classifierLogits(params, encoder, anyVit(params, encoder, images), config),
    test,
    { ...options, imageSize },
  );
  const { values, labels, dim } = logits; // one number for each class of the training pictures
  checkLabels("testClassifier", { labels, classes: dim });
  const [hits, hits5] = [1, 5].map((k) => topKHits(values, labels, dim, k)) as [Hits, Hits];
  return { top1: accuracyOf(hits), top5: accuracyOf(hits5), hits, ...guessLevels(train.labels, labels, dim) };
}
