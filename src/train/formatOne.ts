// Checkpoints of the first format: MAE was the only method, its settings had places of their own. The tensors have the same
// names in both formats.

import { type MaeConfig, maeConfig } from "../models/mae.ts";
import { vitConfig } from "../models/vit.ts";
import type { DataDescription, RunSettings } from "./run.ts";

export const FORMAT_ONE = "partwise.checkpoint.1";

/** A run as the first format describes it. */
export interface FormerSettings {
  method: "mae";
  model: string;
  mae: MaeConfig;
  data: DataDescription;
  seed: number;
  batchSize: number;
  totalSteps: number;
  /** Learning rate per 256 pictures of a batch. */
  baseRate: number;
  warmupSteps: number;
  weightDecay: number;
  betas: readonly [number, number];
  /** Limit of the global gradient norm; null without clipping. */
  clip: number | null;
  cropScale: readonly [number, number];
}

/** Settings that have each the type that every run's of that format have. */
export const formerExample = (): FormerSettings => ({
  method: "mae",
  model: "",
  mae: maeConfig(vitConfig("vit_micro_patch4_32")),
  data: { name: "", count: 1, width: 1, height: 1 },
  seed: 0,
  batchSize: 1,
  totalSteps: 1,
  baseRate: 1,
  warmupSteps: 0,
  weightDecay: 0,
  betas: [0, 0],
  clip: null,
  cropScale: [0, 1],
});

/** The same run, to the bit, in today's words. */
export function fromFormatOne(former: FormerSettings): RunSettings {
  const { method, model, data, seed, batchSize, totalSteps, betas } = former;
  const { encoder, ...config } = former.mae;
  return {
    method,
    recipe: "paper",
    config: { ...config, cropScale: former.cropScale },
    model,
    encoder,
    data,
    seed,
    batchSize,
    totalSteps,
    betas,
    lr: {
      kind: "warmupCosine",
      base: (former.baseRate * batchSize) / 256,
      min: 0,
      warmupSteps: former.warmupSteps,
    },
    weightDecay: { kind: "constant", value: former.weightDecay },
    clip: former.clip === null ? null : { limit: former.clip, by: "model" },
  };
}
