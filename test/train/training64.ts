// A few steps of MAE's pretraining as one writes them down by hand, in float64 and without anything of src/train.
import { adamw64 } from "../../bench/reference64/layers64.ts";
import type { TrunkParts, Values64 } from "../../bench/reference64/trunk64.ts";
import { permutation } from "../../src/data/batches.ts";
import type { ChannelStatistics, ImageSet } from "../../src/data/images.ts";
import { type Range, randomResizedCrop } from "../../src/data/randomResizedCrop.ts";
import { crop, type Filter, resize } from "../../src/data/resize.ts";
import { philox4x32 } from "../../src/engine/random.ts";
import { type Mae64, mae64 } from "./mae64.ts";

/** Every constant that decides what a run computes, each on its own. */
export interface Recipe extends Mae64 {
  /** Of batch order, crops, flips, masks and drop-path. */
  seeds: { order: number; crop: number; flip: number; mask: number; dropPath: number };
  /** Numbers of those streams: counters are (block, step, stream, site). */
  streams: { order: number; crop: number; flip: number; mask: number; dropPath: number };
  cropScale: Range;
  cropRatio: Range;
  filter: Filter;
  flip: number;
  statistics: ChannelStatistics;
  /** Of the encoder's blocks. */
  dropPath: readonly number[];
  /** Number of a branch's random numbers; branch 0 is attention, 1 the MLP. */
  dropPathSite(block: number, branch: 0 | 1): number;
  /** Whether what stays is divided by 1 - p. */
  scaleByKeep: boolean;
  baseRate: number;
  /** Pictures that `baseRate` is for. */
  rateFor: number;
  warmupSteps: number;
  totalSteps: number;
  minRate: number;
  /** Added to the step of which the rate is taken. */
  rateLead: number;
  weightDecay: number;
  /** Whether a parameter of this shape decays. */
  decays(shape: readonly number[]): boolean;
  beta1: number;
  beta2: number;
  eps: number;
  /** What the count of updates starts at, for the correction of the moments. */
  firstUpdate: number;
  /** Limit of the norm of all gradients. */
  clip: number;
}

/** A trained network by the names of its parameters, and what each step logged. */
export interface Trained {
  losses: number[];
  gradNorms: number[];
  rates: number[];
  parameters: Values64;
  moments: { exp_avg: Values64; exp_avg_sq: Values64 };
}

/** The words of one stream of random numbers, block after block. */
function wordsOf(seed: number, step: number, stream: number, { first = 0, site = 0 } = {}): () => number {
  let taken = 0;
  return () => philox4x32([first + Math.floor(taken / 4), step, stream, site], [seed, 0])[taken++ % 4]!;
}

/** The same as numbers in [0, 1). */
function uniformsOf(...key: Parameters<typeof wordsOf>): () => number {
  const next = wordsOf(...key);
  return () => (next() >>> 8) / 2 ** 24;
}

const BLOCKS_OF_A_PICTURE = 8;

/** A picture of the set as the network sees it in an epoch: cut, resampled, mirrored or not, standardised. */
function view64(set: ImageSet, index: number, epoch: number, recipe: Recipe): Float64Array {
  const { width, height } = set;
  const { seeds, streams, image, statistics } = recipe;
  const options = { first: index * BLOCKS_OF_A_PICTURE };
  const draws = uniformsOf(seeds.crop, epoch, streams.crop, options);
  const box = randomResizedCrop(width, height, recipe.cropScale, recipe.cropRatio, draws);
  const isFlipped = uniformsOf(seeds.flip, epoch, streams.flip, options)() < recipe.flip;
  const bytes = width * height * 3;
  const picture = { width, height, pixels: set.pixels.subarray(index * bytes, (index + 1) * bytes) };
  const cut = crop(picture, box.left, box.top, box.width, box.height);
  const { pixels } = resize(cut, image, image, recipe.filter);
  return Float64Array.from(pixels, (_, at) => {
    const [pixel, c] = [Math.floor(at / 3), at % 3];
    const column = isFlipped ? image - 1 - (pixel % image) : pixel % image;
    const level = pixels[(pixel - (pixel % image) + column) * 3 + c]!;
    return (level / 255 - statistics.mean[c]!) / statistics.std[c]!;
  });
}

/** Linear warm-up from 0, then half a cosine. */
function rate64(step: number, recipe: Recipe): number {
  const { baseRate, batch, rateFor, warmupSteps, totalSteps, minRate } = recipe;
  const most = (baseRate * batch) / rateFor;
  if (step < warmupSteps) return (most * step) / warmupSteps;
  const share = (step - warmupSteps) / (totalSteps - warmupSteps);
  return minRate + (most - minRate) * 0.5 * (1 + Math.cos(Math.PI * share));
}

/** Factors 0 or 1 / (1 - p) of each sample, drawn anew for each branch of each block. */
function keep64(step: number, recipe: Recipe): NonNullable<TrunkParts["keep"]> {
  const { batch, dropPath, dropPathSite, scaleByKeep, seeds, streams } = recipe;
  return (block, branch) => {
    const p = dropPath[block]!;
    const next = uniformsOf(seeds.dropPath, step, streams.dropPath, { site: dropPathSite(block, branch) });
    return Array.from({ length: batch }, () => (next() < p ? 0 : scaleByKeep ? 1 / (1 - p) : 1));
  };
}

/** Trains `first` for `steps` steps. `shapes` are those of the parameters that are trained. */
export function training64(
  set: ImageSet,
  first: Values64,
  shapes: ReadonlyMap<string, readonly number[]>,
  recipe: Recipe,
  steps: number,
): Trained {
  const { batch, seeds, streams, image, patch } = recipe;
  const parameters: Values64 = new Map([...first].map(([name, values]) => [name, values.slice()]));
  const zeros = (): Values64 =>
    new Map([...shapes.keys()].map((name) => [name, new Float64Array(first.get(name)!.length)]));
  const moments = { exp_avg: zeros(), exp_avg_sq: zeros() };
  const trained: Trained = { losses: [], gradNorms: [], rates: [], parameters, moments };
  const stepsPerEpoch = Math.floor(set.count / batch);
  for (let step = 0; step < steps; step++) {
    const epoch = Math.floor(step / stepsPerEpoch);
    const order = permutation(set.count, wordsOf(seeds.order, epoch, streams.order));
    const start = (step % stepsPerEpoch) * batch;
    const images = [...order.subarray(start, start + batch)].flatMap((i) => [
      ...view64(set, i, epoch, recipe),
    ]);
    const noise = Array.from(
      { length: batch * (image / patch) ** 2 },
      uniformsOf(seeds.mask, step, streams.mask),
    );
    const { loss, gradients } = mae64(parameters, { ...recipe, keep: keep64(step, recipe) }, images, noise);
    const norm = Math.sqrt([...gradients.values()].flatMap((g) => [...g]).reduce((sum, g) => sum + g * g, 0));
    const factor = Math.min(1, recipe.clip / (norm + 1e-6));
    const lr = rate64(step + recipe.rateLead, recipe);
    for (const [name, shape] of shapes) {
      adamw64(
        { p: parameters.get(name)!, m: moments.exp_avg.get(name)!, v: moments.exp_avg_sq.get(name)! },
        gradients.get(name)!.map((g) => g * factor),
        {
          ...recipe,
          lr,
          weightDecay: recipe.decays(shape) ? recipe.weightDecay : 0,
          step: recipe.firstUpdate + step,
        },
      );
    }
    trained.losses.push(loss);
    trained.gradNorms.push(norm);
    trained.rates.push(lr);
  }
  return trained;
}
