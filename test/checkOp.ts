import { describe, expect, test } from "vitest";
import type { Device } from "../src/engine/gpu/device.ts";
import { grad } from "../src/engine/graph/autograd.ts";
import { Tensor } from "../src/engine/graph/tensor.ts";
import { type Array64, array64, random64, testRandom } from "./array64.ts";
import { GRADIENT, VALUE } from "./tolerances.ts";
import { withDevice } from "./withDevice.ts";

/** One case of an op test. */
export interface OpCase {
  shapes: readonly (readonly number[])[];
  /** Range of the random inputs; -2 to 2 when absent. */
  low?: number;
  high?: number;
  /** Moves the inputs away from where the op has a kink, or makes them positive. */
  prepare?: (value: number, input: number) => number;
  /** False for inputs without gradient (masks, indices); all have one when absent. */
  differentiable?: readonly boolean[];
  label?: string;
  /** Relative tolerances, where the op's own condition number asks for others; say why. */
  value?: number;
  gradient?: number;
  /** What a value or partial derivative may be off by however small it is, by the op's definition; 0 when absent. */
  absolute?: number;
}

const STEP = 1e-5;
/** How far inputs are moved, as a part of themselves, to see how sensitive a result is. */
const NUDGE = 1e-6;
/** Values that the definition is asked for while the gradient of one input is checked. */
const WORK = 5e5;
/** Error, as a part of a typical result, that is allowed to a result of any size. */
const SMALL = 1e-3;

type Reference = (...inputs: Array64[]) => Array64;

/**
 * Checks an op against its float64 definition: values; and gradients against central differences of the definition,
 * with a random cotangent. Every value and every partial derivative is held to its own size and its own sensitivity to the
 * inputs, so that a single wrong one is seen beside larger ones.
 */
export function checkOp(
  name: string,
  op: (...inputs: Tensor[]) => Tensor,
  reference: Reference,
  cases: readonly OpCase[],
): void {
  describe(name, () => {
    const on = withDevice();
    for (const [index, options] of cases.entries()) {
      const title = `${options.label ?? ""}${options.shapes.map((shape) => `[${shape}]`).join(" ")}`;
      test(title, () => checkCase(name, op, reference, options, { device: on.device, seed: 1000 + index }));
    }
  });
}

/** One case of `checkOp`; fails as a test does. */
export async function checkCase(
  name: string,
  op: (...inputs: Tensor[]) => Tensor,
  reference: Reference,
  options: OpCase,
  { device, seed }: { device: Device; seed: number },
): Promise<void> {
  const next = testRandom(seed);
  const inputs = options.shapes.map((shape, i) => {
    const array = random64(shape, next, options.low, options.high);
    const { prepare } = options;
    return prepare
      ? array64(
          shape,
          array.data.map((v) => Math.fround(prepare(v, i))),
        )
      : array;
  });
  const upload = ({ shape, data }: Array64) => Tensor.from(device, Float32Array.from(data), shape);
  const tensors = inputs.map(upload);
  const output = op(...tensors);
  const expected = reference(...inputs);
  expect(output.shape).toEqual(expected.shape);
  const isFree = (i: number) => options.differentiable?.[i] ?? true;
  const nudged = [0, 1, 2].map(() => inputs.map((input, i) => (isFree(i) ? nudge(input, next) : input)));

  const values = nudged.map((moved) => reference(...moved).data);
  const { value = VALUE, gradient = GRADIENT, absolute = 0 } = options;
  const floor = value * SMALL * rms(expected.data) + absolute;
  const allowed = expected.data.map((y, i) => value * (Math.abs(y) + spread(values, y, i)) + floor);
  expectWithin(`${name} value`, await output.read(), expected.data, allowed);

  const dy = random64(expected.shape, next, -1, 1);
  const arriving = upload(dy);
  const wanted = tensors.filter((_, i) => isFree(i));
  const gradients = grad(output, wanted, { seed: arriving });
  const lossOf = (varied: Array64[]) => dot(reference(...varied).data, dy.data);
  for (const [g, tensor] of wanted.entries()) {
    const i = tensors.indexOf(tensor);
    const actual = await gradients[g]!.read();
    checkGradient(`${name} gradient ${i}`, actual, { inputs, nudged, i, lossOf, next, absolute }, gradient);
  }
  for (const tensor of [...tensors, output, arriving, ...gradients]) tensor.dispose();
}

/** An input with every value moved up or down by a part of itself. */
const nudge = ({ shape, data }: Array64, next: () => number): Array64 =>
  array64(
    shape,
    data.map((v) => v * (1 + (next() < 0.5 ? NUDGE : -NUDGE))),
  );

const rms = (x: ArrayLike<number>): number => Math.sqrt(dot(x, x) / x.length);

/** How far value i is from y where the inputs were nudged, for a nudge by their whole size. */
const spread = (nudged: readonly ArrayLike<number>[], y: number, i: number): number =>
  rms(nudged.map((values) => values[i]! - y)) / NUDGE;

/** The derivative of the loss along `direction` of input i, by central differences. */
function alongDirection(
  inputs: readonly Array64[],
  i: number,
  lossOf: (x: Array64[]) => number,
  direction: Float64Array,
): number {
  const shifted = (sign: number) => {
    const x = inputs[i]!;
    const moved = array64(
      x.shape,
      x.data.map((v, j) => v + sign * STEP * direction[j]!),
    );
    return lossOf(inputs.map((input, k) => (k === i ? moved : input)));
  };
  return (shifted(1) - shifted(-1)) / (2 * STEP);
}

interface Checked {
  inputs: readonly Array64[];
  nudged: readonly (readonly Array64[])[];
  i: number;
  lossOf: (x: Array64[]) => number;
  next: () => number;
  absolute: number;
}

/** Every partial derivative of an input alone; of a large one in groups as small as time allows, each value in one group. */
function checkGradient(
  what: string,
  actual: ArrayLike<number>,
  { inputs, nudged, i, lossOf, next, absolute }: Checked,
  tolerance: number,
): void {
  const count = inputs[i]!.data.length;
  expect(actual.length, `${what}: length`).toBe(count);
  const groups = Math.min(count, Math.max(16, Math.floor(WORK / count)));
  const directions = Array.from({ length: groups }, (_, group) => {
    const direction = new Float64Array(count);
    for (let j = group; j < count; j += groups) {
      direction[j] = groups === count ? 1 : (next() < 0.5 ? 1 : -1) * (0.5 + next() / 2);
    }
    return direction;
  });
  const numeric = directions.map((direction) => alongDirection(inputs, i, lossOf, direction));
  const floor = tolerance * SMALL * rms(numeric) + absolute;
  for (const [group, direction] of directions.entries()) {
    const parts = Array.from(direction, (d, j) => d * actual[j]!);
    const found = parts.reduce((total, part) => total + part, 0);
    const size = Math.sqrt(dot(parts, parts));
    if (Math.abs(found - numeric[group]!) <= tolerance * size + floor) continue; // whatever its sensitivity
    const at = nudged.map((moved) => [alongDirection(moved, i, lossOf, direction)]);
    const own = size + spread(at, numeric[group]!, 0);
    expectWithin(
      `${what}, values ${group}${groups === count ? "" : `, ${group + groups}, ...`}`,
      [found],
      [numeric[group]!],
      [tolerance * own + floor],
    );
  }
}

/** Fails on the first value further off than what is allowed for it. */
function expectWithin(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  allowed: ArrayLike<number>,
): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) <= allowed[i]!)) {
      expect.fail(`${what}[${i}]: expected ${expected[i]}, got ${actual[i]} (allowed ${allowed[i]})`);
    }
  }
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** Fails on the first value further off than `tolerance` times the reference's largest magnitude. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  scale?: number,
): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  let most = scale ?? 1e-3;
  for (let i = 0; i < expected.length; i++) most = Math.max(most, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(actual[i]! - expected[i]!);
    if (!(off <= tolerance * most)) {
      expect.fail(`${what}[${i}]: expected ${expected[i]}, got ${actual[i]} (allowed ${tolerance * most})`);
    }
  }
}
