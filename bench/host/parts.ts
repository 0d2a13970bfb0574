// The parts of `bench -- gpu`: each is another bench program in a process of its own.

export interface Part {
  name: string;
  /** The program, bench/NAME.bench.ts. */
  bench: string;
  args: readonly string[];
}

/** What a host is asked to measure. */
export interface Plan {
  /** Full names of steps, see `parseStepName`. */
  steps: readonly string[];
  /** Pictures of a batch where an operation's size leaves it open. */
  batch: number;
  /** Options of the rounds for every program that takes them. */
  rounds: readonly string[];
  python: string;
  /** Where the steps' files for PyTorch are kept between parts. */
  folder: string;
}

/** The reference steps, and MAE of ViT-Ti, S and B with the batch given for all. */
export const HOST_STEPS = [
  "reference:base",
  "reference:tiny",
  "mae:vit_tiny_patch16_224",
  "mae:vit_small_patch16_224",
  "mae:vit_base_patch16_224",
] as const;

/** Sizes of operations (see ops.bench.ts) that are checked, and in which order they are timed. */
const CHECKED_SIZES = ["tiny", "ti"];
const TIMED_SIZES = ["ti", "b", "base", "s", "tiny"];
const CONFIGS = ["tiny", "base"];

/** All parts by importance: what is right, then our steps, PyTorch, the peers, single operations, compiled PyTorch. */
export function partsOf({ steps, batch, rounds, python, folder }: Plan): Part[] {
  const ops = (size: string) => ["--sizes", size, "--batch", String(batch)];
  const peers = (config: string) => ["--config", config, "--no-first-call"];
  const once = ["--repeats", "1", "--warmup", "0"];
  const torch = (mode: string): Part[] =>
    steps.map((step) => ({
      name: `torch ${mode} ${step}`,
      bench: "torch",
      args: ["--step", step, "--mode", mode, "--python", python, "--folder", folder, ...rounds],
    }));
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
    ...steps.map((step) => ({ name: `step ${step}`, bench: "step", args: ["--step", step, ...rounds] })),
    ...torch("eager"),
    ...CONFIGS.map((config) => ({
      name: `peers ${config}`,
      bench: "peers",
      args: [...peers(config), ...rounds],
    })),
    ...TIMED_SIZES.map((size) => ({ name: `ops ${size}`, bench: "ops", args: [...ops(size), ...rounds] })),
    ...torch("compiled"),
  ];
  return parts.map((part) => ({ ...part, args: [...part.args, "--json"] }));
}

/** The parts whose names hold one of the words; all of them without words. */
export const chosen = (parts: readonly Part[], words: readonly string[]): Part[] =>
  parts.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
