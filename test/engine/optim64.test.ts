/** Optimisers against float64 loops: decay times rate scale, norms of nothing, Nesterov. */
import { describe, expect, test } from "vitest";
import { Guard } from "../../src/engine/graph/guard.ts";
import { type ParameterSpec, Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipGradients } from "../../src/engine/optim/clip.ts";
import { lars } from "../../src/engine/optim/lars.ts";
import type { Optimizer } from "../../src/engine/optim/optimizer.ts";
import { sgd } from "../../src/engine/optim/sgd.ts";
import { Random } from "../../src/engine/random.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const normal = (size: number, seed: number) => new Random(seed, "test").fillNormal(new Float32Array(size));
const STEPS = 3;
const RATES = { lr: 0.1, weightDecay: 0.2 };
/** Larger than usual, so that what goes into the norms shows in the update. */
const TRUST = 0.1;

type Setting = Required<Pick<ParameterSpec, "name" | "shape" | "decay" | "rateScale">>;

/** With and without decay, by rate scale and by axes. */
const settings: Setting[] = [
  { name: "decayed", shape: [5, 13], decay: true, rateScale: 0.25 },
  { name: "plain", shape: [5, 13], decay: false, rateScale: 0.25 },
  { name: "vector", shape: [65], decay: true, rateScale: 0.5 },
  { name: "bias", shape: [65], decay: false, rateScale: 1 },
];
const sizeOf = ({ shape }: Setting) => shape.reduce((size, n) => size * n, 1);

/** One update of one parameter in float64: p, state and gradient g by step t. */
type Update = (p: Float64Array, state: Float64Array[], g: Float32Array, t: number, setting: Setting) => void;

const adamw64: Update = (p, [m, v], g, t, { decay, rateScale }) => {
  const [beta1, beta2, eps] = [0.9, 0.999, 1e-8];
  for (let i = 0; i < p.length; i++) {
    m![i] = beta1 * m![i]! + (1 - beta1) * g[i]!;
    v![i] = beta2 * v![i]! + (1 - beta2) * g[i]! ** 2;
    p[i]! -= RATES.lr * rateScale * (decay ? RATES.weightDecay : 0) * p[i]!;
    const denominator = Math.sqrt(v![i]!) / Math.sqrt(1 - beta2 ** t) + eps;
    p[i]! -= ((RATES.lr * rateScale) / (1 - beta1 ** t)) * (m![i]! / denominator);
  }
};

const sgd64 =
  (nesterov: boolean): Update =>
  (p, [buffer], g, _, { decay, rateScale }) => {
    for (let i = 0; i < p.length; i++) {
      const d = g[i]! + (decay ? RATES.weightDecay : 0) * p[i]!;
      buffer![i] = 0.9 * buffer![i]! + d;
      p[i]! -= RATES.lr * rateScale * (nesterov ? d + 0.9 * buffer![i]! : buffer![i]!);
    }
  };

const lars64: Update = (p, [buffer], g, _, { shape, decay, rateScale }) => {
  const d = g.map((value, i) => value + (decay ? RATES.weightDecay : 0) * p[i]!);
  const [lengthP, lengthD] = [Math.hypot(...p), Math.hypot(...d)];
  const q = shape.length > 1 && lengthP > 0 && lengthD > 0 ? (TRUST * lengthP) / lengthD : 1;
  for (let i = 0; i < p.length; i++) {
    buffer![i] = 0.9 * buffer![i]! + q * d[i]!;
    p[i]! -= RATES.lr * rateScale * buffer![i]!;
  }
};

const trusting = (params: Parameters) => lars(params, { trustCoefficient: TRUST });

/** The change of every parameter after some steps, ours and the loop's. */
async function changes(
  make: (params: Parameters) => Optimizer,
  update: Update,
  valuesOf: (setting: Setting, i: number) => Float32Array,
  gradientOf: (setting: Setting, step: number, i: number) => Float32Array,
) {
  const starts = settings.map(valuesOf);
  const params = new Parameters(
    on.device,
    settings.map((setting, i) => ({ ...setting, values: starts[i]! })),
  );
  const guard = new Guard(on.device);
  const optimizer = make(params);
  const exact = settings.map((setting, i) => ({
    p: Float64Array.from(starts[i]!),
    state: [new Float64Array(sizeOf(setting)), new Float64Array(sizeOf(setting))],
  }));
  const { into } = params.trainable();
  for (let step = 1; step <= STEPS; step++) {
    for (const [i, setting] of settings.entries()) {
      const gradient = gradientOf(setting, step, i);
      into[i]!.write(gradient);
      update(exact[i]!.p, exact[i]!.state, gradient, step, setting);
    }
    const { factors } = clipGradients(params, guard);
    optimizer.update(Tensor.from(on.device, optimizer.numbers({ step, ...RATES }), [4]), factors);
  }
  const named = await params.read(params.values);
  return settings.map(({ name }, i) => {
    const change = (to: ArrayLike<number>) => Array.from(starts[i]!, (from, k) => to[k]! - from);
    return { name, found: change(named.get(name)!.values), expected: change(exact[i]!.p) };
  });
}

type Changes = Awaited<ReturnType<typeof changes>>;

/** Every value within a few roundings of a parameter of size about 1. */
function expectNear(all: Changes): void {
  for (const { name, found, expected } of all) {
    for (const [i, value] of found.entries()) {
      expect(Math.abs(value - expected[i]!), `${name} ${i}`).toBeLessThan(2e-6);
    }
  }
}

const makes: [string, (params: Parameters) => Optimizer, Update][] = [
  ["adamw", adamw, adamw64],
  ["sgd", sgd, sgd64(false)],
  ["sgd with nesterov", (params) => sgd(params, { nesterov: true }), sgd64(true)],
  ["lars", trusting, lars64],
];

test.each(makes)("%s: decay and gradient both by the rate scale", async (_, make, update) => {
  const all = await changes(
    make,
    update,
    (setting, i) => normal(sizeOf(setting), 1 + i),
    (setting, step, i) => normal(sizeOf(setting), 10 * step + i),
  );
  expectNear(all);
  for (const { name, expected } of all) {
    const moved = Math.max(...expected.map(Math.abs));
    expect(moved, name).toBeGreaterThan(2e-3);
  }
});

describe("lars where a norm is nothing", () => {
  const zeros = (setting: Setting) => new Float32Array(sizeOf(setting));
  const drawn = (seed: number) => (setting: Setting) => normal(sizeOf(setting), seed);

  test("|p| = 0: the whole gradient, not none of it", async () => {
    const all = await changes(trusting, lars64, zeros, (setting, step) =>
      step === 1 ? normal(sizeOf(setting), 3) : zeros(setting),
    );
    expectNear(all);
    for (const { found } of all) expect(Math.max(...found.map(Math.abs))).toBeGreaterThan(0.1);
  });

  test("|d| = 0: nothing comes in and no NaN", async () => {
    const all = await changes(trusting, lars64, drawn(4), zeros);
    expectNear(all);
    expect(all.find(({ name }) => name === "plain")!.found.every((value) => value === 0)).toBe(true);
  });
});

test("nesterov without momentum is refused", () => {
  const params = new Parameters(on.device, [{ name: "x", shape: [2], values: new Float32Array(2) }]);
  expect(() => sgd(params, { momentum: 0, nesterov: true })).toThrow(
    "sgd: nesterov needs a momentum above 0; got 0. Leave nesterov out",
  );
});
