import { beforeAll, describe, expect, test } from "vitest";
import { geluTanh64 } from "../../bench/reference64/layers64.ts";
import type { Values64 } from "../../bench/reference64/trunk64.ts";
import { type ChannelStatistics, CIFAR10_STATISTICS, type ImageSet } from "../../src/data/images.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { train } from "../../src/train/loop.ts";
import { descriptionOf, type RunChoices, type RunSettings, runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { testRandom } from "../array64.ts";
import { relativeError } from "../parity/relative.ts";
import { VALUE } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";
import { gelu64 } from "./mae64.ts";
import { type SavedState, stateOf } from "./savedFile.ts";
import { type Recipe, type Trained, training64 } from "./training64.ts";

const STEPS = 4;
const [BATCH, WIDTH, HEIGHT] = [4, 24, 20];

/** The mean of ImageNet's channels as levels. */
const MEAN = [124, 116, 104];

/** Noise, and every third picture nearly of one colour, near 0 when standardised: there a target's 1e-6 counts. */
function pictures(count: number): ImageSet {
  const next = testRandom(7);
  const pixels = Uint8Array.from({ length: count * WIDTH * HEIGHT * 3 }, (_, at) => {
    const isFlat = Math.floor(at / (WIDTH * HEIGHT * 3)) % 3 === 2;
    return isFlat ? MEAN[at % 3]! + 3 * Math.floor(1.1 * next()) : Math.floor(256 * next());
  });
  return {
    name: "noise",
    width: WIDTH,
    height: HEIGHT,
    count,
    pixels,
    labels: new Int32Array(count).fill(-1),
    classes: [],
  };
}
const set = pictures(10); // two batches an epoch, so that four steps see two epochs

/** The paper's recipe, at a rate that moves parameters by more than their rounding. */
const settings: RunSettings = runSettings({
  method: "mae",
  recipe: "paper",
  model: "vit_micro_patch4_16",
  data: descriptionOf(set),
  seed: 11,
  batchSize: BATCH,
  totalSteps: 6,
  baseRate: 0.64,
  warmupSteps: 2,
});
const small: RunSettings = {
  ...settings,
  encoder: { ...settings.encoder, embedDim: 16, depth: 3, numHeads: 2 },
  config: { ...settings.config, decoderEmbedDim: 24, decoderDepth: 2, decoderNumHeads: 3 },
};

/** The same, number by number. */
const recipe: Recipe = {
  batch: 4,
  image: 16,
  patch: 4,
  encoder: { width: 16, depth: 3, heads: 2 },
  decoder: { width: 24, depth: 2, heads: 3 },
  maskRatio: 0.75,
  targetEps: 1e-6,
  gelu: gelu64,
  seeds: { order: 11, crop: 11, flip: 11, mask: 11, dropPath: 11 },
  streams: { order: 1, crop: 2, flip: 3, mask: 6, dropPath: 8 },
  cropScale: [0.2, 1],
  cropRatio: [3 / 4, 4 / 3],
  filter: "bicubic",
  flip: 0.5,
  statistics: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  dropPath: [0, 0, 0],
  dropPathSite: (block, branch) => 2 * block + branch,
  scaleByKeep: true,
  baseRate: 0.64,
  rateFor: 256,
  warmupSteps: 2,
  totalSteps: 6,
  minRate: 0,
  rateLead: 0,
  weightDecay: 0.05,
  decays: (shape) => shape.length > 1,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  firstUpdate: 1,
  clip: Number.POSITIVE_INFINITY,
};

/** Statistics of blue, green, red. */
const reversed = ({ mean: [r, g, b], std: [x, y, z] }: ChannelStatistics): ChannelStatistics => ({
  mean: [b, g, r],
  std: [z, y, x],
});

const on = withDevice();

/** Values of a state by name, in float64: parameters, or what lies behind a prefix. */
function named({ tensors }: SavedState, prefix = ""): Values64 {
  const isWanted = (name: string) => (prefix ? name.startsWith(prefix) : !name.startsWith("optimizer."));
  const wanted = [...tensors].filter(([name]) => isWanted(name));
  return new Map(wanted.map(([name, { values }]) => [name.slice(prefix.length), Float64Array.from(values)]));
}

/** A trainer's first steps, and the same by hand. */
interface Run {
  found: Trained;
  first: Values64;
  byHand(changed?: Partial<Recipe>): Trained;
}

async function runOf(chosen: RunSettings, base: Recipe): Promise<Run> {
  const images = await DeviceImages.upload(on.device, set);
  const trainer = new Trainer(on.device, chosen, images);
  const first = named(await stateOf(trainer));
  const [losses, gradNorms, rates]: number[][] = [[], [], []];
  await train(trainer, {
    now: () => 0,
    shouldStop: () => trainer.step === STEPS,
    onProgress({ loss, gradNorm, lr }) {
      losses!.push(loss);
      gradNorms!.push(gradNorm);
      rates!.push(lr);
    },
  });
  const state = await stateOf(trainer);
  const moment = (name: string) => named(state, `optimizer.${name}.`);
  const found = {
    losses: losses!,
    gradNorms: gradNorms!,
    rates: rates!,
    parameters: named(state),
    moments: { exp_avg: moment("exp_avg"), exp_avg_sq: moment("exp_avg_sq") },
  };
  const trained = trainer.trained.segments.filter((segment) => segment.trained);
  const shapes = new Map(trained.map(({ name, shape }) => [name, shape]));
  return {
    found,
    first,
    byHand: (changed = {}) => training64(set, first, shapes, { ...base, ...changed }, STEPS),
  };
}

/** Roots of second moments below this say nothing but rounding (keys have no use for a bias), which Adam scales up. */
const ROUNDING = 1e-5;

/** Relative distances of all that was logged, and by parameter of the moments and of the way it went. */
function distances({ found, first }: Run, wanted: Trained): Map<string, number> {
  const rows = new Map<string, number>();
  for (const key of ["losses", "gradNorms", "rates"] as const) {
    for (const [step, value] of wanted[key].entries()) {
      rows.set(`${key} of step ${step}`, relativeError([found[key][step]!], [value]));
    }
  }
  for (const [name, squares] of wanted.moments.exp_avg_sq) {
    for (const moment of ["exp_avg", "exp_avg_sq"] as const) {
      rows.set(
        `${moment} of ${name}`,
        relativeError(found.moments[moment].get(name)!, wanted.moments[moment].get(name)!),
      );
    }
    const moved = ({ parameters }: Trained) =>
      parameters
        .get(name)!
        .map((value, i) => (Math.sqrt(squares[i]!) < ROUNDING ? 0 : value - first.get(name)![i]!));
    rows.set(`way of ${name}`, relativeError(moved(found), moved(wanted)));
  }
  return rows;
}

const worst = (rows: Map<string, number>): number => Math.max(...rows.values());

/** A recipe that differs from another in one constant. */
type Row = [name: string, changed: Partial<Recipe>];

describe("the paper's recipe", () => {
  let run: Run;
  beforeAll(async () => {
    run = await runOf(small, recipe);
  });

  test("four steps are those made by hand, every parameter of them", () => {
    const rows = distances(run, run.byHand());
    for (const [name, error] of rows) expect(error, name).toBeLessThan(VALUE);
    const fixed = ["pos_embed", "decoder_pos_embed"];
    for (const name of fixed) expect(run.found.parameters.get(name), name).toEqual(run.first.get(name));
    expect([...run.found.parameters.keys()].filter((name) => !rows.has(`way of ${name}`)).sort()).toEqual(
      fixed.sort(),
    );
  });

  const { seeds, statistics } = recipe;
  const rows: Row[] = [
    ["rates one step late", { rateLead: -1, warmupSteps: 3 }],
    ["rates one step early", { rateLead: 1 }],
    ["no warm-up", { warmupSteps: 0 }],
    ["a longer warm-up", { warmupSteps: 3 }],
    ["a longer run", { totalSteps: 7 }],
    ["a rate that does not end at 0", { minRate: 1e-4 }],
    ["a base rate for 128 pictures", { rateFor: 128 }],
    ["a base rate that knows no batch", { rateFor: BATCH }],
    ["no weight decay", { weightDecay: 0 }],
    ["another weight decay", { weightDecay: 0.04 }],
    ["weight decay of all", { decays: () => true }],
    [
      "weight decay of matrices alone, not of tokens",
      { decays: (shape) => shape.length > 1 && shape[0] !== 1 },
    ],
    ["beta1 of .95", { beta1: 0.95 }],
    ["beta2 of .999", { beta2: 0.999 }],
    ["eps of 1e-6", { eps: 1e-6 }],
    ["updates counted from 2", { firstUpdate: 2 }],
    ["clipped gradients", { clip: 1 }],
    ["smaller crops", { cropScale: [0.08, 0.4] }],
    ["crops of torchvision's least area", { cropScale: [0.08, 1] }],
    ["crops that are never whole", { cropScale: [0.2, 0.9] }],
    ["square crops", { cropRatio: [1, 1] }],
    ["wider crops", { cropRatio: [3 / 4, 3 / 2] }],
    ["bilinear crops", { filter: "bilinear" }],
    ["no flips", { flip: 0 }],
    ["all flipped", { flip: 1 }],
    ["no channel statistics", { statistics: { mean: [0, 0, 0], std: [1, 1, 1] } }],
    ["CIFAR-10's channel statistics", { statistics: CIFAR10_STATISTICS }],
    ["red and blue exchanged", { statistics: reversed(statistics) }],
    ["another seed of the order", { seeds: { ...seeds, order: 0 } }],
    ["another seed of the crops", { seeds: { ...seeds, crop: 0 } }],
    ["another seed of the flips", { seeds: { ...seeds, flip: 0 } }],
    ["another seed of the masks", { seeds: { ...seeds, mask: 0 } }],
    ["a smaller mask", { maskRatio: 0.68 }],
    ["a larger mask", { maskRatio: 0.8 }],
    ["targets as they are", { targetEps: null }],
    ["targets without an eps", { targetEps: 0 }],
    ["GELU's tanh form", { gelu: geluTanh64 }],
    ["drop-path", { dropPath: [0, 0.1, 0.2] }],
  ];
  test.each(rows)("%s would be seen", (_, changed) => {
    expect(worst(distances(run, run.byHand(changed)))).toBeGreaterThan(10 * VALUE);
  });
});

describe("settings that are not the paper's", () => {
  const changed: RunSettings = {
    ...small,
    encoder: { ...small.encoder, dropPath: 0.6 },
    config: { ...small.config, maskRatio: 0.53, normPixLoss: false, cropScale: [0.4, 0.7] },
    seed: 2 ** 20 + 3,
    totalSteps: 9,
    lr: { kind: "warmupCosine", base: (0.32 * BATCH) / 256, min: 0, warmupSteps: 1 },
    weightDecay: { kind: "constant", value: 0.3 },
    betas: [0.8, 0.9],
    clip: { limit: 0.5, by: "model" },
  };
  const seed = 2 ** 20 + 3;
  const heard: Recipe = {
    ...recipe,
    maskRatio: 0.53, // 7.52 patches stay
    targetEps: null,
    dropPath: [0, 0.3, 0.6],
    seeds: { order: seed, crop: seed, flip: seed, mask: seed, dropPath: seed },
    totalSteps: 9,
    baseRate: 0.32,
    warmupSteps: 1,
    weightDecay: 0.3,
    beta1: 0.8,
    beta2: 0.9,
    clip: 0.5,
    cropScale: [0.4, 0.7],
  };
  let run: Run;
  beforeAll(async () => {
    run = await runOf(changed, heard);
  });

  test("are heard, drop-path and clipping among them", () => {
    for (const [name, error] of distances(run, run.byHand())) expect(error, name).toBeLessThan(VALUE);
  });

  const rows: Row[] = [
    ["visible patches rounded to the nearest", { maskRatio: 0.5 }],
    ["a rate of drop-path for all blocks", { dropPath: [0.6, 0.6, 0.6] }],
    ["rates of drop-path that begin with the first block", { dropPath: [0.2, 0.4, 0.6] }],
    ["rates of drop-path that do not end at the full one", { dropPath: [0, 0.2, 0.4] }],
    ["one draw for both branches of a block", { dropPathSite: (block) => 2 * block }],
    ["branches exchanged", { dropPathSite: (block, branch) => 2 * block + 1 - branch }],
    ["one draw for all blocks", { dropPathSite: (_, branch) => branch }],
    ["what stays not scaled", { scaleByKeep: false }],
    ["another seed of drop-path", { seeds: { ...heard.seeds, dropPath: 0 } }],
    ["no clipping", { clip: Number.POSITIVE_INFINITY }],
    ["another clipping", { clip: 0.51 }],
  ];
  test.each(rows)("%s would be seen", (_, other) => {
    expect(worst(distances(run, run.byHand(other)))).toBeGreaterThan(10 * VALUE);
  });
});

describe("the settings of a run of MAE", () => {
  const choices: Omit<RunChoices, "totalSteps"> = {
    method: "mae",
    recipe: "paper",
    model: "vit_micro_patch4_32",
    data: descriptionOf(set),
    seed: 1,
    batchSize: 4,
  };

  test("have the paper's constants", () => {
    expect(runSettings({ ...choices, totalSteps: 800 })).toMatchObject({
      lr: { kind: "warmupCosine", base: (1.5e-4 * 4) / 256, min: 0, warmupSteps: 40 },
      weightDecay: { kind: "constant", value: 0.05 },
      betas: [0.9, 0.95],
      clip: null,
      config: { maskRatio: 0.75, normPixLoss: true, cropScale: [0.2, 1] },
    });
  });

  test.each([
    [800, 40],
    [30, 2], // 1.5
    [29, 1], // 1.45
    [1, 0],
  ])("warm up for a twentieth of %i steps: %i", (totalSteps, warmupSteps) => {
    expect(runSettings({ ...choices, totalSteps }).lr.warmupSteps).toBe(warmupSteps);
  });

  test("have what was chosen", () => {
    const config = { maskRatio: 0.6, normPixLoss: false };
    const chosen = { totalSteps: 10, baseRate: 1e-3, warmupSteps: 3, imageSize: 16, config };
    expect(runSettings({ ...choices, ...chosen })).toMatchObject({
      ...{ totalSteps: 10, seed: 1, batchSize: 4, config },
      lr: { base: (1e-3 * 4) / 256, warmupSteps: 3 },
      encoder: { imageSize: 16, patchSize: 4 },
      data: { name: "noise", count: 10, width: WIDTH, height: HEIGHT },
    });
    expect(runSettings({ ...choices, totalSteps: 1, rate: 3e-3 }).lr.base).toBe(3e-3);
  });

  test("have the recipe for the size of the pictures, where none is named", () => {
    const recipeOf = (imageSize: number) =>
      runSettings({ ...choices, recipe: undefined, imageSize, totalSteps: 10 }).recipe;
    expect([96, 100].map(recipeOf)).toEqual(["small", "paper"]);
  });
});
