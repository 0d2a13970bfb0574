import { describe, expect, test } from "vitest";
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
}

const STEP = 1e-5;
/** Inputs up to this many values get every partial derivative; larger ones random directions. */
const FULL_CHECK = 40;

/**
 * Checks an op against its float64 definition: values; and gradients against central differences of the definition,
 * with a random cotangent.
 */
export function checkOp(
  name: string,
  op: (...inputs: Tensor[]) => Tensor,
  reference: (...inputs: Array64[]) => Array64,
  cases: readonly OpCase[],
): void {
  describe(name, () => {
    const on = withDevice();
    for (const [index, options] of cases.entries()) {
      const title = `${options.label ?? ""}${options.shapes.map((shape) => `[${shape}]`).join(" ")}`;
      test(title, async () => {
        const next = testRandom(1000 + index);
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
        const tensors = inputs.map(({ shape, data }) =>
          Tensor.from(on.device, Float32Array.from(data), shape),
        );
        const output = op(...tensors);
        const expected = reference(...inputs);
        expect(output.shape).toEqual(expected.shape);
        expectClose(`${name} value`, await output.read(), expected.data, options.value ?? VALUE);

        const dy = random64(expected.shape, next, -1, 1);
        const seed = Tensor.from(on.device, Float32Array.from(dy.data), expected.shape);
        const wanted = tensors.filter((_, i) => options.differentiable?.[i] ?? true);
        const gradients = grad(output, wanted, { seed });
        const lossOf = (varied: Array64[]) => dot(reference(...varied).data, dy.data);
        for (const [g, tensor] of wanted.entries()) {
          const i = tensors.indexOf(tensor);
          const actual = await gradients[g]!.read();
          const scale = gradientScale(inputs[i]!, lossOf, inputs, i, next);
          checkDirections(
            `${name} gradient ${i}`,
            actual,
            inputs,
            i,
            lossOf,
            next,
            scale,
            options.gradient ?? GRADIENT,
          );
        }
        for (const tensor of [...tensors, output, seed, ...gradients]) tensor.dispose();
      });
    }
  });
}

/** The derivative of the loss along `direction` of input i, by central differences. */
function alongDirection(
  inputs: Array64[],
  i: number,
  lossOf: (x: Array64[]) => number,
  direction: Float64Array,
) {
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

const unit = (size: number, at: number) => Float64Array.from({ length: size }, (_, j) => (j === at ? 1 : 0));

/** The size of a typical partial derivative: what differences are measured against. */
function gradientScale(
  x: Array64,
  lossOf: (x: Array64[]) => number,
  inputs: Array64[],
  i: number,
  next: () => number,
) {
  const size = x.data.length;
  const some = Array.from({ length: Math.min(size, 8) }, () => Math.floor(next() * size));
  return Math.max(1e-3, ...some.map((j) => Math.abs(alongDirection(inputs, i, lossOf, unit(size, j)))));
}

function checkDirections(
  what: string,
  actual: ArrayLike<number>,
  inputs: Array64[],
  i: number,
  lossOf: (x: Array64[]) => number,
  next: () => number,
  scale: number,
  tolerance: number,
): void {
  const size = inputs[i]!.data.length;
  if (size <= FULL_CHECK) {
    const numeric = Array.from({ length: size }, (_, j) => alongDirection(inputs, i, lossOf, unit(size, j)));
    expectClose(what, actual, numeric, tolerance, scale);
    return;
  }
  for (let trial = 0; trial < 3; trial++) {
    const direction = Float64Array.from({ length: size }, () => 2 * next() - 1);
    const numeric = alongDirection(inputs, i, lossOf, direction);
    const along = dot(actual, direction);
    const spread = scale * Math.sqrt(size);
    expect(
      Math.abs(along - numeric) / spread,
      `${what}, direction ${trial}: expected ${numeric}, got ${along}`,
    ).toBeLessThan(tolerance);
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
