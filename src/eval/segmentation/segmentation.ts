// Linear segmentation of "Understanding Self-Supervised Pretraining with Part-Aware Representation Learning", arXiv:2301.11915,
// 4.3: mmseg 0.x configurations `*lp_freeze12*` of the official code. What differs: the auxiliary head, which no gradient leads
// from to anything that is measured, is left out; pictures are squares of one size, and scored at that size.

import { planBatches } from "../../data/batches.ts";
import { checkPixelSet, IGNORED, type PixelSet, pixelSubset } from "../../data/pixelSet.ts";
import { compile } from "../../engine/capture/compile.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { accumulate } from "../../engine/graph/fill.ts";
import { Guard, NonFiniteLossError } from "../../engine/graph/guard.ts";
import type { NamedValues, Parameters } from "../../engine/graph/parameters.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { adamw } from "../../engine/optim/adamw.ts";
import { Random } from "../../engine/random.ts";
import { warmupPolynomial } from "../../engine/step/schedule.ts";
import { StepValues } from "../../engine/step/stepValues.ts";
import { type Hold, holding } from "../holding.ts";
import type { BlockEncoder } from "./blockTokens.ts";
import {
  ConfusionMatrix,
  joinTotals,
  type PixelTotals,
  type SegmentationScores,
  segmentationScores,
} from "./confusion.ts";
import { cachedFeed, liveFeed, type SegmentationFeed } from "./feed.ts";
import { segmentationHead, segmentationStep } from "./head.ts";
import { segmentationTest } from "./predict.ts";
import { type SegmentationOptions, type SegmentationSettings, segmentationSettings } from "./recipe.ts";

export interface SegmentationResult extends SegmentationScores {
  /** Names of the classes, as `classes` has their scores. */
  names: readonly string[];
  /** What is reached by giving every pixel the most frequent class of the training pixels. */
  majority: SegmentationScores;
  /** What the scores are made of: the pixels of each test picture. */
  pictures: PixelTotals[];
  /** Mean training loss of every 20 updates. */
  losses: number[];
  settings: SegmentationSettings;
  /** The trained head by mmseg's names: conv_seg.weight [K, F], conv_seg.bias [K]. */
  head: Map<string, NamedValues>;
}

const LOSS_EVERY = 20;
const CACHE_BYTES = 2 ** 30;

/**
 * Trains a linear layer on the tokens of a frozen encoder to name the class of every pixel, and tests it: AdamW (betas .9, .999),
 * linear warm-up from 1e-6 of the rate, linear decay to 0. The result is a function of pictures, encoder and settings, to the bit
 * on one adapter.
 */
export async function linearSegmentation(
  device: Device,
  encoder: BlockEncoder,
  train: PixelSet,
  test: PixelSet,
  options: SegmentationOptions,
): Promise<SegmentationResult> {
  checkSets(train, test);
  const settings = segmentationSettings(train.count, options);
  const { statistics, onProgress } = options;
  const { seed, decayBias, crop, stride } = settings;
  checkSides(encoder, train, test, crop);
  const classes = train.pixelClasses.length;
  return holding(async (hold) => {
    const head = hold(segmentationHead(device, { dim: encoder.dim, classes, seed, decayBias }));
    const windows = crop === null ? null : { side: crop, stride: stride! };
    // What does not fit is better known before the training.
    await segmentationTest(device, encoder, head, pixelSubset(test, [0]), { statistics, windows });
    const losses = await holding(async (own) => {
      const feed = await feedOf(device, encoder, train, settings, options, own);
      return trainHead(own, head, feed, train.count, settings, (done, loss) =>
        onProgress?.("training", done, settings.updates, loss),
      );
    });
    const pictures = await segmentationTest(device, encoder, head, test, {
      ...{ statistics, windows },
      onProgress: (done, count) => onProgress?.("test", done, count),
    });
    return {
      ...segmentationScores(joinTotals(pictures)),
      names: train.pixelClasses,
      majority: majorityScores(train, test),
      pictures,
      losses,
      settings,
      head: await head.read(head.values),
    };
  });
}

/** Kept tokens where pictures are seen whole and all of theirs have room. */
async function feedOf(
  device: Device,
  encoder: BlockEncoder,
  train: PixelSet,
  { batchSize, crop, seed }: SegmentationSettings,
  { statistics, cacheBytes = CACHE_BYTES, onProgress }: SegmentationOptions,
  hold: Hold,
): Promise<SegmentationFeed> {
  const tokens = (train.count * train.height * train.width) / encoder.patchSize ** 2;
  const options = { batchSize, statistics };
  if (crop !== null || 4 * tokens * encoder.dim > cacheBytes) {
    return liveFeed(device, encoder, train, { ...options, crop, seed }, hold);
  }
  const progress = (done: number, count: number) => onProgress?.("features", done, count);
  return cachedFeed(device, encoder, train, { ...options, onProgress: progress }, hold);
}

/** Runs all updates as replays of one captured step -> mean loss of every `LOSS_EVERY`. */
async function trainHead(
  hold: Hold,
  head: Parameters,
  feed: SegmentationFeed,
  count: number,
  { updates, warmupUpdates, batchSize, rate, weightDecay, seed }: SegmentationSettings,
  onLoss: (done: number, loss: number) => void,
): Promise<number[]> {
  const { device } = head;
  const batches = planBatches({
    count,
    batchSize,
    shuffle(epoch) {
      const random = new Random(seed, "probe", epoch);
      return () => random.nextU32();
    },
  });
  const rateAt = warmupPolynomial({ base: rate, warmupSteps: warmupUpdates, totalSteps: updates });
  const optimizer = hold(adamw(head));
  const guard = hold(new Guard(device));
  const values = hold(new StepValues(device, { numbers: { dtype: "f32", shape: [4] } }));
  const total = hold(Tensor.from(device, [0], []));
  const step = hold(
    await compile(device, () => {
      const loss = segmentationStep(
        head,
        optimizer,
        guard,
        feed.tokens(),
        feed.labels,
        values.tensor("numbers"),
      );
      return { total: accumulate(total, loss) };
    }),
  );
  const losses: number[] = [];
  let since = 0;
  for (let update = 0; update < updates; update++) {
    await feed.load(batches.indices(batches.position(update)), update);
    values.write({ numbers: optimizer.numbers({ step: update + 1, lr: rateAt(update), weightDecay }) });
    step.run();
    since++;
    if (since < LOSS_EVERY && update < updates - 1) continue;
    const loss = (await total.item()) / since;
    if (!Number.isFinite(loss)) {
      throw new NonFiniteLossError(
        `linearSegmentation: the loss must stay finite; got ${loss} by update ${update + 1}. Lower the rate ${rate}`,
      );
    }
    losses.push(loss);
    onLoss(update + 1, loss);
    total.write([0]);
    since = 0;
  }
  return losses;
}

function checkSets(train: PixelSet, test: PixelSet): void {
  for (const set of [train, test]) {
    if (set.count === 0) throw new Error(`linearSegmentation: ${set.name} must hold a picture; got 0`);
    checkPixelSet(set);
  }
  const names = [train, test].map(({ pixelClasses }) => pixelClasses) as [
    readonly string[],
    readonly string[],
  ];
  const most = Math.max(...names.map(({ length }) => length));
  for (let label = 0; label < most; label++) {
    const [own, other] = names.map((classes) => classes[label] ?? "nothing");
    if (own === other) continue;
    throw new Error(
      `linearSegmentation: test pixels must have the classes of training pixels in their order; ` +
        `got ${names[0].length} and ${names[1].length}, the first that differs ${own} and ${other}`,
    );
  }
  const known = new Set(train.pixelLabels);
  known.delete(IGNORED);
  if (known.size < 2) {
    throw new Error(
      `linearSegmentation: training pixels must be of two classes or more; got ${known.size}. Count the background as one, or name more parts`,
    );
  }
  if (!test.pixelLabels.some((label) => known.has(label))) {
    throw new Error(
      "linearSegmentation: some test pixel must have a class of the training pixels; got none. Are both of one data set?",
    );
  }
}

/** What the encoder sees: whole pictures, or pieces to train on and windows to test with, which are no larger than a picture. */
function checkSides({ patchSize }: BlockEncoder, train: PixelSet, test: PixelSet, crop: number | null): void {
  const shorter = Math.min(train.height, train.width);
  if (crop !== null && crop > shorter) {
    throw new Error(
      `linearSegmentation: crop must be at most the shorter side of the training pictures, ${shorter}; got ${crop}`,
    );
  }
  const tested = [test.height, test.width].map((side) => Math.min(side, crop ?? side));
  for (const side of [...(crop === null ? [train.height, train.width] : [crop]), ...tested]) {
    if (side % patchSize === 0) continue;
    throw new Error(
      `linearSegmentation: the sides of what the encoder sees must be multiples of its patch size ${patchSize}; got ${side}`,
    );
  }
}

function majorityScores({ pixelLabels, pixelClasses }: PixelSet, test: PixelSet): SegmentationScores {
  const counts = new Array<number>(pixelClasses.length).fill(0);
  for (const label of pixelLabels) if (label !== IGNORED) counts[label]!++;
  const favourite = counts.reduce((best, count, c) => (count > counts[best]! ? c : best), 0);
  const confusion = new ConfusionMatrix(pixelClasses.length);
  confusion.add(test.pixelLabels, new Uint16Array(test.pixelLabels.length).fill(favourite));
  return confusion.scores();
}
