// The reference training step: a ViT classifier on random pictures. What every library is given, to the bit.

import type { ParameterSpec } from "../src/engine/graph/parameters.ts";
import { Random } from "../src/engine/random.ts";
import { timmInit } from "../src/models/init.ts";
import { headSpecs, type VitConfig, vitConfig, vitSpecs } from "../src/models/vit.ts";
import { UsageError } from "./measure/program.ts";

/** Sizes of a step; MLPs are four times as wide as the tokens. */
export interface StepConfig {
  batch: number;
  width: number;
  depth: number;
  heads: number;
  /** Side of the pictures and of a patch, pixels. */
  image: number;
  patch: number;
  classes: number;
}

export const STEP_CONFIGS: Readonly<Record<"base" | "tiny", StepConfig>> = {
  base: { batch: 16, width: 192, depth: 6, heads: 3, image: 32, patch: 4, classes: 10 },
  tiny: { batch: 32, width: 96, depth: 4, heads: 3, image: 32, patch: 4, classes: 10 },
};

/** AdamW's settings; weight decay holds for every parameter. */
export const RATES = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.05 } as const;

/** Everything a library needs to run the step. */
export interface StepProblem {
  config: StepConfig;
  vit: VitConfig;
  /** Every parameter under timm's name, with first values. */
  parameters: readonly ParameterSpec[];
  /** [batch, image, image, 3] */
  images: Float32Array;
  /** [batch] */
  labels: Uint32Array;
}

/** `base`, `tiny`, or `batch=8,width=128,...`: what is left out is base's. */
export function parseStepConfig(text: string): StepConfig {
  if (text === "base" || text === "tiny") return STEP_CONFIGS[text];
  const config = { ...STEP_CONFIGS.base };
  for (const part of text.split(",")) {
    const [name = "", value = ""] = part.split("=");
    if (!(name in config) || !(Number.isInteger(Number(value)) && Number(value) > 0)) {
      const names = Object.keys(config).join(", ");
      throw new UsageError(
        `--config must be base, tiny or name=number,... with names of ${names}; got "${part}" in "${text}"`,
      );
    }
    config[name as keyof StepConfig] = Number(value);
  }
  const { image, patch, width, heads } = config;
  if (image % patch !== 0 || width % heads !== 0) {
    throw new UsageError(
      `--config: patch must divide image, and heads must divide width; got patch=${patch},image=${image},heads=${heads},width=${width}`,
    );
  }
  return config;
}

/** Tokens of a picture, the class token among them. */
export const tokensOf = ({ image, patch }: StepConfig): number => 1 + (image / patch) ** 2;

/** Multiplications and additions of all matrix products of a step, forward and backward (twice the forward). */
export function stepFlops(config: StepConfig): number {
  const { batch, width, depth, patch, classes } = config;
  const tokens = tokensOf(config);
  const perBlock = 2 * batch * tokens * (12 * width * width) + 4 * batch * tokens * tokens * width;
  const embed = 2 * batch * (tokens - 1) * width * 3 * patch * patch;
  // The pictures need no gradient, so the embedding's backward is one product.
  return 3 * (depth * perBlock + 2 * batch * width * classes) + 2 * embed;
}

/**
 * The problem of a configuration: timm's initialisation with N(0, 0.02²) added to every value, so that no bias is zero
 * and no scale is one; pictures of N(0, 1).
 */
export function stepProblem(config: StepConfig, seed = 1): StepProblem {
  const { batch, width, depth, heads, image, patch, classes } = config;
  const vit: VitConfig = {
    ...vitConfig(`vit_micro_patch${patch}_${image}`),
    embedDim: width,
    depth,
    numHeads: heads,
    activation: "tanh",
  };
  const init = timmInit(seed);
  const random = new Random(seed, "init", 0xbe4c4);
  const parameters = [...vitSpecs(vit, init), ...headSpecs(width, classes, init)].map((spec) => ({
    ...spec,
    values: spec.values.map((value) => value + 0.02 * random.normal()),
    decay: true,
  }));
  const images = random.fillNormal(new Float32Array(batch * image * image * 3));
  const labels = Uint32Array.from({ length: batch }, () => random.below(classes));
  return { config, vit, parameters, images, labels };
}

/** Number of parameters. */
export const countParameters = ({ parameters }: StepProblem): number =>
  parameters.reduce((sum, { values }) => sum + values.length, 0);
