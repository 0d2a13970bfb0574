import type { ChannelStatistics } from "../../data/images.ts";

/** How a head is trained and tested. */
export interface SegmentationRecipe {
  updates: number;
  /** Of these, updates of linear warm-up. */
  warmupUpdates: number;
  /** Pictures per update. */
  batchSize: number;
  /** Highest learning rate; it falls linearly to 0. */
  rate: number;
  weightDecay: number;
  /**
   * Side of the random pieces of pictures to train on and of the windows to test with; null: whole pictures as they are, which
   * the encoder sees once.
   */
  crop: number | null;
}

/** The paper's for ADE20K, and ours for pictures as small as the encoder's own. */
export const SEGMENTATION_RECIPES = {
  paper: {
    updates: 160_000,
    warmupUpdates: 1500,
    batchSize: 16,
    rate: 4e-4,
    weightDecay: 0.05,
    crop: 512,
  },
  small: {
    updates: 1000,
    warmupUpdates: 10,
    batchSize: 16,
    rate: 4e-3,
    weightDecay: 0.05,
    crop: null,
  },
} as const satisfies Record<string, SegmentationRecipe>;

export interface SegmentationOptions extends Partial<SegmentationRecipe> {
  /** "small" when absent; single numbers beside it replace its own. */
  recipe?: keyof typeof SEGMENTATION_RECIPES;
  /** Of the first weights, the batches' order and the crops. */
  seed: number;
  /**
   * Pixels from one window of the test to the next; two thirds of `crop` when absent, 341 of 512 as for ADE20K. The paper has 161
   * of 480 for PASCAL and 161 of 320 for LIP.
   */
  stride?: number;
  /** Whether weight decay reaches the head's bias; true when absent, see `decaysBias`. */
  decayBias?: boolean;
  /** Channel statistics the encoder was trained with. */
  statistics: ChannelStatistics;
  /** Bytes of tokens that may be kept, 1 GiB when absent; beyond it the encoder sees whole pictures again in every update. */
  cacheBytes?: number;
  /** Told what is done of `features` (pictures), `training` (updates, with the mean loss of the latest) and `test` (pictures). */
  onProgress?: (stage: "features" | "training" | "test", done: number, count: number, loss?: number) => void;
}

/** What a head was trained with. */
export interface SegmentationSettings extends SegmentationRecipe {
  seed: number;
  stride: number | null;
  decayBias: boolean;
}

/**
 * Whether the official configuration of an encoder pretrained by a method decays the head's bias: those of MAE, CAE and BEiT build
 * their optimiser by layers, which leaves biases out; the others' is plain AdamW.
 */
export const decaysBias = (method: string): boolean => !["mae", "cae", "beit"].includes(method);

/** Settings with the defaults filled in. Throws unless they fit `count` pictures. */
export function segmentationSettings(count: number, options: SegmentationOptions): SegmentationSettings {
  const { recipe = "small", seed, decayBias = true } = options;
  const base = SEGMENTATION_RECIPES[recipe];
  const {
    updates = base.updates,
    warmupUpdates = Math.floor((base.warmupUpdates * updates) / base.updates),
    batchSize = Math.min(count, base.batchSize),
    rate = base.rate,
    weightDecay = base.weightDecay,
    crop = base.crop,
  } = options;
  const isWhole = (n: number, least: number, most: number) => Number.isInteger(n) && n >= least && n <= most;
  if (!isWhole(updates, 1, 2 ** 31) || !isWhole(batchSize, 1, count) || !(rate > 0)) {
    throw new Error(
      `linearSegmentation: updates must be at least 1, the batch size in [1, ${count}] and the rate above 0; ` +
        `got ${updates}, ${batchSize} and ${rate}`,
    );
  }
  const stride = crop === null ? null : (options.stride ?? Math.floor((2 * crop) / 3));
  if (crop !== null && !isWhole(stride!, 1, crop)) {
    throw new Error(`linearSegmentation: the stride of windows must be in [1, ${crop}]; got ${stride}`);
  }
  return { updates, warmupUpdates, batchSize, rate, weightDecay, crop, seed, stride, decayBias };
}
