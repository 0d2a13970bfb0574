import { type MaeConfig, maeConfig } from "../models/mae.ts";
import { maeObjective, type Objective } from "../models/objective.ts";
import { vitConfig } from "../models/vit.ts";

/**
 * Everything that decides what a training run computes: two runs with equal settings on one adapter give the same
 * bits. Stored with every checkpoint.
 */
export interface RunSettings {
  method: "mae";
  /** timm-style name, for example `vit_micro_patch4_32`. */
  model: string;
  mae: MaeConfig;
  /** Which pictures, to refuse resuming on others. */
  data: DataDescription;
  seed: number;
  batchSize: number;
  totalSteps: number;
  /** Learning rate per 256 pictures of a batch (the papers' linear rule). */
  baseRate: number;
  warmupSteps: number;
  weightDecay: number;
  betas: readonly [number, number];
  /** Limit of the global gradient norm; null without clipping. */
  clip: number | null;
  /** Range of the crop's area. */
  cropScale: readonly [number, number];
}

/** What identifies a set of pictures. */
export interface DataDescription {
  name: string;
  count: number;
  width: number;
  height: number;
  /** Of the pixels, hexadecimal. */
  sha256?: string;
}

/** The description alone, whatever else its object holds (pixels). */
const described = ({ name, count, width, height, sha256 }: DataDescription): DataDescription => ({
  name,
  count,
  width,
  height,
  ...(sha256 === undefined ? {} : { sha256 }),
});

export interface RunChoices {
  model: string;
  data: RunSettings["data"];
  seed: number;
  batchSize: number;
  totalSteps: number;
  baseRate?: number;
  warmupSteps?: number;
  maskRatio?: number;
  normPixLoss?: boolean;
  imageSize?: number;
}

/**
 * A MAE run with the paper's settings (spec of models_mae.py and main_pretrain.py): AdamW .9 / .95, weight decay .05,
 * 5 % of the steps for warm-up (40 of 800 epochs), half-cosine to 0, crops of 20 to 100 %.
 */
export function maeRun(choices: RunChoices): RunSettings {
  const { model, data, seed, batchSize, totalSteps, maskRatio, normPixLoss, imageSize } = choices;
  const encoder = vitConfig(model, imageSize === undefined ? {} : { imageSize });
  return {
    method: "mae",
    model,
    mae: maeConfig(encoder, {
      ...(maskRatio === undefined ? {} : { maskRatio }),
      ...(normPixLoss === undefined ? {} : { normPixLoss }),
    }),
    data: described(data),
    seed,
    batchSize,
    totalSteps,
    baseRate: choices.baseRate ?? 1.5e-4,
    warmupSteps: choices.warmupSteps ?? Math.round(totalSteps / 20),
    weightDecay: 0.05,
    betas: [0.9, 0.95],
    clip: null,
    cropScale: [0.2, 1],
  };
}

/** The objective of a run. */
export const objectiveOf = ({ mae }: RunSettings): Objective => maeObjective(mae);
