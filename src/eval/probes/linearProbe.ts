/** The linear probes of MAE, MoCo v3 and DINO, which the papers of the study measure encoders by. */
import type { Device } from "../../engine/gpu/device.ts";
import { Parameters } from "../../engine/graph/parameters.ts";
import { linear } from "../../engine/ops/linear.ts";
import { Random } from "../../engine/random.ts";
import type { VitConfig } from "../../models/vit.ts";
import type { Features, Reading } from "../features.ts";
import { keptRows, type Rows } from "../rows.ts";
import { featureNorm, featureNormSpecs } from "./featureNorm.ts";
import type { HeadRecipe, ProbeOptions } from "./headRecipe.ts";
import { type Head, type Probe, type ProbeResult, trainAndTest } from "./trainedHead.ts";

/** A linear probe as a paper has it. */
export interface LinearStyle extends HeadRecipe {
  /** Whether features are normalised over the batch first, without scale and shift, eps 1e-6. */
  normalised: boolean;
  /** What is read of an encoder. */
  reading(encoder: VitConfig): Reading;
}

export const LINEAR_STYLES = {
  mae: {
    source: "He et al. 2022, arXiv:2111.06377; main_linprobe.py, util/lars.py, util/crop.py",
    normalised: true,
    reading: () => "cls",
    crop: { singleShot: true, filter: "bicubic" },
    optimizer: "lars",
    epochs: 90,
    warmupEpochs: 10,
    batchSize: 16_384,
    rate: 6.4, // 0.1 * 16384 / 256
    schedule: "warmupCosine",
    minRate: 0,
  },
  "moco-v3": {
    source: "Chen et al. 2021, arXiv:2104.02057; main_lincls.py",
    normalised: false,
    reading: () => "cls",
    crop: { singleShot: false, filter: "bilinear" },
    optimizer: "sgd",
    epochs: 90,
    warmupEpochs: 0,
    batchSize: 1024,
    rate: 12, // 3 * 1024 / 256
    schedule: "cosineByEpoch",
    minRate: 0,
  },
  dino: {
    source: "Caron et al. 2021, arXiv:2104.14294; eval_linear.py",
    normalised: false,
    // The last four blocks of ViT-S; of ViT-B the last one and the mean of its patches.
    reading: ({ embedDim }) => (embedDim < 768 ? "cls4" : "cls+mean"),
    crop: { singleShot: false, filter: "bilinear" },
    optimizer: "sgd",
    epochs: 100,
    warmupEpochs: 0,
    batchSize: 1024,
    rate: 0.004, // 0.001 * 1024 / 256
    schedule: "cosineByEpoch",
    minRate: 0,
  },
  parts: {
    source: "part classification of arXiv:2301.11915; patch_lincls.py",
    normalised: false,
    reading: () => "cls",
    crop: null,
    optimizer: "sgd",
    epochs: 90,
    warmupEpochs: 0,
    batchSize: 1024,
    rate: 0.4, // 0.1 * 1024 / 256
    literal: true, // on crops of CUB and COCO
    schedule: "cosineByEpoch",
    minRate: 0,
  },
} as const satisfies Record<string, LinearStyle>;

export type LinearStyleName = keyof typeof LINEAR_STYLES;

export interface LinearProbeOptions extends ProbeOptions {
  /** MAE's when absent. */
  style?: LinearStyleName;
}

/** Trains a linear classifier on rows of features and tests it. `train` may be several views, see `keptRows`. */
export async function linearProbe(
  device: Device,
  train: Features | readonly Features[] | Rows,
  test: Features | Rows,
  { style = "mae", ...options }: LinearProbeOptions,
): Promise<ProbeResult> {
  const kept = (split: string, from: Features | readonly Features[] | Rows): Rows =>
    "open" in from ? from : keptRows(`linearProbe, ${split}`, "labels" in from ? [from] : from);
  return trainAndTest(device, linearOf(style), kept("training", train), kept("test", test), options);
}

const linearOf = (name: LinearStyleName): Probe => ({
  name: "linearProbe",
  recipe: LINEAR_STYLES[name],
  head: (device, dim, classes, seed) => linearHead(device, dim, classes, seed, LINEAR_STYLES[name]),
});

/**
 * A fresh linear classifier: weight N(0, 0.01²) cut at ±2 (timm's trunc_normal_), bias 0, running statistics 0 and 1. The names
 * are those of MAE's checkpoint: head.0.*, where features are normalised, and head.1.*.
 */
export function linearHead(
  device: Device,
  dim: number,
  classes: number,
  seed: number,
  { normalised }: Pick<LinearStyle, "normalised">,
): Head {
  const random = new Random(seed, "init");
  const weight = Float32Array.from({ length: classes * dim }, () => random.truncatedNormal(0.01));
  const params = new Parameters(device, [
    { name: "head.1.weight", shape: [classes, dim], values: weight },
    { name: "head.1.bias", shape: [classes], values: new Float32Array(classes) },
    ...(normalised ? featureNormSpecs("head.0", dim) : []),
  ]);
  return {
    params,
    logits: (x, guard) =>
      linear(
        normalised ? featureNorm(params, "head.0", x, guard, 1e-6) : x,
        params.get("head.1.weight"),
        params.get("head.1.bias"),
      ),
  };
}
