// The parts of `bench -- gpu`: each is another bench program in a process of its own.

import { METHODS } from "../../src/models/methods.ts";
import { hasTorch } from "../trainingSteps.ts";

export interface Part {
  name: string;
  /** The program, bench/NAME.bench.ts. */
  bench: string;
  args: readonly string[];
}

/** What a host is asked to measure. */
export interface Plan {
  /** Full names of steps, see `parseStepName`: those that PyTorch is timed beside, and others. */
  steps: readonly string[];
  more: readonly string[];
  /** Pictures of a batch where an operation's size leaves it open. */
  batch: number;
  /** Options of the rounds for every program that takes them. */
  rounds: readonly string[];
  python: string;
  /** Where the steps' files for PyTorch are kept between parts. */
  folder: string;
}

/** The reference steps, and MAE of three sizes: a GPU's batches, and such as a software adapter gets done. */
export const HOST_STEPS = {
  gpu: [
    "reference:base",
    "reference:tiny",
    "mae:vit_micro_patch4_32:256",
    "mae:vit_small_patch16_224:64",
    "mae:vit_base_patch16_224:32",
  ],
  software: [
    "reference:base",
    "reference:tiny",
    "mae:vit_micro_patch4_32:32",
    "mae:vit_small_patch16_224:2",
    "mae:vit_base_patch16_224:1",
  ],
} as const;

/** The steps of the other methods, which have no PyTorch beside them: micro encoders. */
export const METHOD_STEPS = Object.keys(METHODS)
  .filter((method) => method !== "mae")
  .map((method) => `${method}:vit_micro_patch4_32`);

/** Full names of steps by whether PyTorch is timed beside them. */
export const stepsOf = (names: readonly string[]): Pick<Plan, "steps" | "more"> => ({
  steps: names.filter(hasTorch),
  more: names.filter((name) => !hasTorch(name)),
});

/** Sizes of operations (see ops.bench.ts) that are checked, and in which order they are timed. */
const CHECKED_SIZES = ["tiny", "ti"];
const TIMED_SIZES = ["ti", "b", "base", "s", "tiny"];
const CONFIGS = ["tiny", "base"];
/** Encoders that learn in f16 beside f32, and steps: enough to see the losses agree, and the speed at a size of interest. */
const PRECISIONS = [
  ["vit_micro_patch4_32", "300"],
  ["vit_small_patch16_224", "30"],
] as const;

/**
 * All parts by importance: what is right, then our steps, f16, PyTorch, single operations, every kernel for a product, the other
 * methods' steps, compiled PyTorch. The peers come last: a GPU clocks down beside them.
 */
export function partsOf({ steps, more, batch, rounds, python, folder }: Plan): Part[] {
  const ops = (size: string) => ["--sizes", size, "--batch", String(batch)];
  const peers = (config: string) => ["--config", config, "--no-first-call"];
  const once = ["--repeats", "1", "--warmup", "0"];
  const torch = (mode: string): Part[] =>
    steps.map((step) => ({
      name: `torch ${mode} ${step}`,
      bench: "torch",
      args: ["--step", step, "--mode", mode, "--python", python, "--folder", folder, ...rounds],
    }));
  const ours = (names: readonly string[]): Part[] =>
    names.map((step) => ({ name: `step ${step}`, bench: "step", args: ["--step", step, ...rounds] }));
  const parts: Part[] = [
    ...CHECKED_SIZES.map((size) => ({
      name: `check ops ${size}`,
      bench: "ops",
      args: [...ops(size), "--check"],
    })),
    ...CONFIGS.map((config) => ({
      name: `check step reference:${config}`,
      bench: "peers",
      args: [...peers(config), "--libraries", "partwise", ...once],
    })),
    ...ours(steps),
    ...PRECISIONS.map(([model, count]) => ({
      name: `precision ${model}`,
      bench: "precision",
      args: ["--model", model, "--batch", String(batch), "--steps", count, ...rounds],
    })),
    ...torch("eager"),
    ...TIMED_SIZES.map((size) => ({ name: `ops ${size}`, bench: "ops", args: [...ops(size), ...rounds] })),
    { name: "products", bench: "ops", args: ["--methods", ...rounds] },
    ...ours(more),
    ...torch("compiled"),
    ...CONFIGS.map((config) => ({
      name: `peers ${config}`,
      bench: "peers",
      args: [...peers(config), ...rounds],
    })),
  ];
  return parts.map((part) => ({ ...part, args: [...part.args, "--json"] }));
}

/** The parts whose names hold one of the words; all of them without words. */
export const chosen = (parts: readonly Part[], words: readonly string[]): Part[] =>
  parts.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
