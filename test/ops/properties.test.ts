import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { concat } from "../../src/engine/ops/concat.ts";
import { add, mul } from "../../src/engine/ops/elementwise.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { permute } from "../../src/engine/ops/permute.ts";
import { reshape } from "../../src/engine/ops/reshape.ts";
import { slice } from "../../src/engine/ops/slice.ts";
import { sum } from "../../src/engine/ops/sum.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";

/** Small whole numbers: every result below is exact in f32, whatever the order of additions. */
function wholeNumbers(shape: readonly number[], seed: number): number[] {
  const next = testRandom(seed);
  return Array.from({ length: sizeOf(shape) }, () => Math.floor(17 * next()) - 8);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/** The index along every axis of value number `at`. */
function placeOf(shape: readonly number[], at: number): number[] {
  let rest = at;
  return shape
    .map((_, i) => shape.length - 1 - i)
    .map((axis) => {
      const index = rest % shape[axis]!;
      rest = Math.floor(rest / shape[axis]!);
      return index;
    })
    .reverse();
}

/** The number of the value at `place`; axes of length 1 are stretched, missing ones in front ignored. */
const numberOf = (shape: readonly number[], place: readonly number[]): number =>
  shape.reduce((at, n, axis) => {
    const index = place[axis + place.length - shape.length]!;
    return at * n + (n === 1 ? 0 : index);
  }, 0);

/** Values of a new shape, each found from its place. */
const byPlace = (shape: readonly number[], value: (place: number[]) => number): number[] =>
  Array.from({ length: sizeOf(shape) }, (_, at) => value(placeOf(shape, at)));

const axisLength = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(1, 8, 13, 67));
const shapes = fc.array(axisLength, { minLength: 1, maxLength: 4 }).filter((shape) => sizeOf(shape) <= 4000);
const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const settings = { seed: 2301, numRuns: 40 };

describe("for random shapes", () => {
  const on = withDevice();
  const tensor = (shape: readonly number[], values: readonly number[]) =>
    Tensor.from(on.device, values, shape);

  async function expectSame(y: Tensor, shape: readonly number[], values: number[]): Promise<void> {
    expect(y.shape).toEqual(shape);
    const found = await y.read();
    expect(Array.from(found, (value) => value + 0)).toEqual(values.map((value) => value + 0)); // -0 becomes 0
  }

  test("add and mul broadcast as their definition", async () => {
    /** A shape, and two that stretch to it: some axes of length 1, some missing in front. */
    const pairs = shapes.chain((shape) => {
      const shrunk = fc
        .tuple(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(2))
        .map(([ones, missing]) =>
          shape.map((n, i) => (ones[i] ? 1 : n)).slice(Math.min(missing, shape.length)),
        );
      return fc.tuple(shrunk, shrunk);
    });
    const check = async ([a, b]: [number[], number[]], seed: number) => {
      const [x, z] = [wholeNumbers(a, seed), wholeNumbers(b, seed + 1)];
      const axes = Math.max(a.length, b.length);
      const shape = Array.from({ length: axes }, (_, i) =>
        Math.max(a[i - axes + a.length] ?? 1, b[i - axes + b.length] ?? 1),
      );
      const from = (f: (p: number, q: number) => number) =>
        byPlace(shape, (place) => f(x[numberOf(a, place)]!, z[numberOf(b, place)]!));
      await expectSame(
        add(tensor(a, x), tensor(b, z)),
        shape,
        from((p, q) => p + q),
      );
      await expectSame(
        mul(tensor(a, x), tensor(b, z)),
        shape,
        from((p, q) => p * q),
      );
    };
    await fc.assert(fc.asyncProperty(pairs, seeds, check), settings);
  });

  test("sum adds what lies along any axes", async () => {
    const withAxes = shapes.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, i) => i)), fc.boolean(), fc.boolean()),
    );
    const check = async (
      [shape, axes, keep, fromEnd]: [number[], number[], boolean, boolean],
      seed: number,
    ) => {
      const x = wholeNumbers(shape, seed);
      const kept = shape.map((n, i) => (axes.includes(i) ? 1 : n));
      const expected = new Array<number>(sizeOf(kept)).fill(0);
      x.forEach((value, at) => {
        expected[numberOf(kept, placeOf(shape, at))]! += value;
      });
      const asked = fromEnd ? axes.map((axis) => axis - shape.length) : axes;
      const target = keep ? kept : shape.filter((_, i) => !axes.includes(i));
      await expectSame(sum(tensor(shape, x), asked, keep), target, expected);
    };
    await fc.assert(fc.asyncProperty(withAxes, seeds, check), settings);
  });

  test("matmul multiplies, either operand transposed, any batch", async () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 70 }));
    const problem = fc.record({
      m: side,
      n: side,
      k: side,
      batch: fc.constantFrom([], [1], [3], [2, 2]),
      batched: fc.constantFrom("both", "a", "b"),
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
    });
    type Problem = typeof problem extends fc.Arbitrary<infer P> ? P : never;
    const check = async ({ m, n, k, batch, batched, transposeA, transposeB }: Problem, seed: number) => {
      const a = [...(batched === "b" ? [] : batch), ...(transposeA ? [k, m] : [m, k])];
      const b = [...(batched === "a" ? [] : batch), ...(transposeB ? [n, k] : [k, n])];
      const [x, z] = [wholeNumbers(a, seed), wholeNumbers(b, seed + 1)];
      const shape = [...batch, m, n];
      const expected = byPlace(shape, (place) => {
        const [i, j] = place.slice(-2) as [number, number];
        const outer = place.slice(0, -2);
        let total = 0;
        for (let p = 0; p < k; p++) {
          const left = numberOf(a, [...outer, ...(transposeA ? [p, i] : [i, p])]);
          const right = numberOf(b, [...outer, ...(transposeB ? [j, p] : [p, j])]);
          total += x[left]! * z[right]!;
        }
        return total;
      });
      const y = matmul(tensor(a, x), tensor(b, z), { transposeA, transposeB });
      await expectSame(y, shape, expected);
    };
    await fc.assert(fc.asyncProperty(problem, seeds, check), { ...settings, numRuns: 30 });
  });

  test("permute moves each value to its place, and its inverse moves it back", async () => {
    const withOrder = shapes.chain((shape) => {
      const axes = shape.map((_, i) => i);
      const order = fc.shuffledSubarray(axes, { minLength: axes.length });
      return fc.tuple(fc.constant(shape), order);
    });
    const check = async ([shape, order]: [number[], number[]], seed: number) => {
      const x = wholeNumbers(shape, seed);
      const moved = order.map((axis) => shape[axis]!);
      const expected = byPlace(moved, (place) => {
        const at = order.map((_, axis) => place[order.indexOf(axis)]!);
        return x[numberOf(shape, at)]!;
      });
      const y = permute(tensor(shape, x), order);
      await expectSame(y, moved, expected);
      await expectSame(
        permute(
          y,
          order.map((_, axis) => order.indexOf(axis)),
        ),
        shape,
        x,
      );
    };
    await fc.assert(fc.asyncProperty(withOrder, seeds, check), settings);
  });

  test("slices are what lies between, and concat joins them again", async () => {
    const cut = shapes.chain((shape) =>
      fc.nat(shape.length - 1).chain((axis) => {
        const cuts = fc.uniqueArray(fc.integer({ min: 1, max: shape[axis]! }), { maxLength: 3 });
        return fc.tuple(fc.constant(shape), fc.constant(axis), cuts);
      }),
    );
    const check = async ([shape, axis, cuts]: [number[], number, number[]], seed: number) => {
      const x = wholeNumbers(shape, seed);
      const edges = [...new Set([0, ...cuts, shape[axis]!])].sort((p, q) => p - q);
      const whole = tensor(shape, x);
      const parts = edges.slice(1).map((end, i) => slice(whole, axis, edges[i]!, end));
      for (const [i, part] of parts.entries()) {
        const expected = byPlace(part.shape, (place) => {
          const at = place.map((index, k) => (k === axis ? index + edges[i]! : index));
          return x[numberOf(shape, at)]!;
        });
        const target = shape.map((n, k) => (k === axis ? edges[i + 1]! - edges[i]! : n));
        await expectSame(part, target, expected);
      }
      await expectSame(concat(parts, axis), shape, x);
    };
    await fc.assert(fc.asyncProperty(cut, seeds, check), settings);
  });

  test("reshape keeps the values in order", async () => {
    const check = async (shape: number[], split: number, seed: number) => {
      const x = wholeNumbers(shape, seed);
      const front = sizeOf(shape.slice(0, split % (shape.length + 1)));
      const y = reshape(tensor(shape, x), [front, -1]);
      await expectSame(y, [front, x.length / front], x);
      await expectSame(reshape(y, shape), shape, x);
    };
    await fc.assert(fc.asyncProperty(shapes, fc.nat(4), seeds, check), settings);
  });
});
