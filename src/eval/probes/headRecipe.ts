/** How the heads of probes are trained, as data, and what that comes to on a set of some size. */
import type { Parameters } from "../../engine/graph/parameters.ts";
import { lars } from "../../engine/optim/lars.ts";
import type { Optimizer } from "../../engine/optim/optimizer.ts";
import { sgd } from "../../engine/optim/sgd.ts";
import { cosine, linspaceCosine, perEpoch, type Schedule, warmupCosine } from "../../engine/step/schedule.ts";
import type { TrainingCrop } from "./trainingCrop.ts";

/** A published recipe; momentum is .9 and nothing decays in any of them. */
export interface HeadRecipe {
  /** Where it is from. */
  source: string;
  optimizer: keyof typeof OPTIMIZERS;
  epochs: number;
  /** Of these, epochs of linear warm-up. */
  warmupEpochs: number;
  /** Rows per update, and the highest rate for them, on the set the recipe was made for. */
  batchSize: number;
  rate: number;
  /** Whether that set was as small as ours: the batch and the rate per row are taken as they are. Otherwise it was ImageNet. */
  literal?: boolean;
  /** The highest rate for fewer rows, down to 64, where it was measured to be better; that of ImageNet when absent. */
  smallRate?: number;
  /** By update, from 0 to the rate and down to `minRate` by half a cosine; or down by epoch. */
  schedule: "warmupCosine" | "linspaceCosine" | "cosineByEpoch";
  minRate: number;
  /** What an epoch sees of a training picture; null for the picture as it is. */
  crop: TrainingCrop | null;
}

const OPTIMIZERS = {
  lars: (params: Parameters) => lars(params),
  sgd: (params: Parameters) => sgd(params),
  nesterov: (params: Parameters) => sgd(params, { nesterov: true }),
};

/** The update rule of a recipe. */
export const optimizerOf = ({ optimizer }: HeadRecipe, params: Parameters): Optimizer =>
  OPTIMIZERS[optimizer](params);

export interface ProbeOptions {
  /** Of the first weights and of the batches' order. */
  seed: number;
  /** The recipe's when absent, as are those below. */
  epochs?: number;
  /** Epochs of linear warm-up; the recipe's share of them when absent. */
  warmupEpochs?: number;
  batchSize?: number;
  /** Learning rate for 256 rows: the rate is baseRate * batchSize / 256. */
  baseRate?: number;
  /** Called after each epoch with its mean loss. */
  onEpoch?: (epoch: number, loss: number) => void;
  /** Test after every epoch and tell the best, as the official part classification does. It chooses by the test set. */
  bestEpoch?: boolean;
}

/** What a probe was trained with. */
export interface ProbeSettings {
  seed: number;
  epochs: number;
  warmupEpochs: number;
  batchSize: number;
  baseRate: number;
  /** Highest learning rate. */
  rate: number;
  updates: number;
}

/** Training pictures of ImageNet, which the batches of recipes that are not literal are made for. */
const IMAGENET = 1_281_167;
const SMALLEST_BATCH = 64;

/**
 * Settings with the defaults filled in. How far a head gets depends on the number of updates and the rate, and LARS, which moves
 * a weight by a share of its own length in each update, knows nothing else. A small set with a paper's batch and base rate would
 * stop near its first weights; therefore the defaults keep the paper's updates an epoch (batchSize = count / updates, from 64 to
 * the paper's) and its highest rate, or `smallRate`. On ImageNet they are the paper's. A literal recipe keeps its batch, or takes all
 * rows where there are fewer, and its rate follows the batch. Measured with MAE's on 8 x 8 pixels of 20 ImageNet classes,
 * 2,000 rows: 18.5 % top-1, against 13.3 % with base rate 0.1 and batches of 256. `mostRows` is what the device holds at once.
 *
 * A warm-up begins at 0, in the official programs, too. One of less than an update, a short run's share of its epochs, is left out:
 * the first update, which may be the only one, would change nothing.
 */
export function probeSettings(
  where: string,
  count: number,
  recipe: HeadRecipe,
  options: ProbeOptions,
  mostRows = Number.POSITIVE_INFINITY,
): ProbeSettings {
  const { seed, epochs = recipe.epochs } = options;
  const most = Math.min(count, mostRows);
  const batchSize =
    options.batchSize ?? Math.min(most, recipe.literal ? recipe.batchSize : pacedBatch(count, recipe));
  const highest = recipe.literal ? followingRate(batchSize, recipe) : pacedRate(batchSize, recipe);
  const baseRate = options.baseRate ?? (highest * 256) / batchSize;
  const isWhole = (n: number, least: number) => Number.isInteger(n) && n >= least;
  if (!isWhole(epochs, 1) || !isWhole(batchSize, 2) || batchSize > most || !(baseRate > 0)) {
    throw new Error(
      `${where}: epochs must be at least 1, the batch size in [2, ${most}] and the base rate above 0; ` +
        `got ${epochs}, ${batchSize} and ${baseRate}`,
    );
  }
  const stepsPerEpoch = Math.floor(count / batchSize);
  const shareOfRun = (epochs * recipe.warmupEpochs) / recipe.epochs;
  const warmupEpochs = options.warmupEpochs ?? (shareOfRun * stepsPerEpoch < 1 ? 0 : shareOfRun);
  const [rate, updates] = [(baseRate * batchSize) / 256, epochs * stepsPerEpoch];
  return { seed, epochs, warmupEpochs, batchSize, baseRate, rate, updates };
}

/** As many updates an epoch as on ImageNet. */
function pacedBatch(count: number, { batchSize }: HeadRecipe): number {
  const updatesPerEpoch = Math.floor(IMAGENET / batchSize);
  return Math.min(batchSize, Math.max(SMALLEST_BATCH, Math.floor(count / updatesPerEpoch)));
}

/** The recipe's highest rate in proportion to the rows of an update. */
const followingRate = (batchSize: number, recipe: HeadRecipe): number =>
  (recipe.rate * batchSize) / recipe.batchSize;

/** That of ImageNet, or what was measured to be better for few rows. */
const pacedRate = (batchSize: number, recipe: HeadRecipe): number =>
  Math.max(recipe.smallRate ?? recipe.rate, followingRate(Math.min(batchSize, recipe.batchSize), recipe));

/** The rate of each update. */
export function rateOf(
  { schedule, minRate: min }: HeadRecipe,
  { rate: base, epochs, warmupEpochs }: ProbeSettings,
  stepsPerEpoch: number,
): Schedule {
  if (schedule === "cosineByEpoch")
    return perEpoch(cosine({ from: base, to: min, steps: epochs }), stepsPerEpoch);
  const steps = { warmupSteps: warmupEpochs * stepsPerEpoch, totalSteps: epochs * stepsPerEpoch };
  return (schedule === "warmupCosine" ? warmupCosine : linspaceCosine)({ base, min, ...steps });
}
