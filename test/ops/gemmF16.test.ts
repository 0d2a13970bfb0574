import { afterEach, describe, expect, test, vi } from "vitest";
import { toFloat32, toHalf } from "../../src/data/safetensors.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { gemm } from "../../src/engine/ops/gemm.ts";
import { linear, mlp } from "../../src/engine/ops/linear.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { type Array64, array64, testRandom } from "../array64.ts";
import { erf64 } from "../erf64.ts";
import { matmul64 } from "../matmul64.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice({ precision: "f16" });
afterEach(() => vi.restoreAllMocks());

test("a product tells the profiler that its operands are rounded", () => {
  const run = vi.spyOn(on.device, "run").mockReturnValue();
  const x = Tensor.empty(on.device, [4, 4]);
  matmul(x, x);
  expect(run.mock.lastCall![3]).toMatchObject({ flops: 128, roundsOperands: true });
});

/** A method that reads operands by values and one that reads blocks, as all others do. */
const METHODS = ["plain", "register"];

const next = testRandom(5);
/** Values in [-2, 2), none so small that f16 has fewer digits of it, rounded to f32 and no further. */
const random = (...shape: number[]): Array64 => {
  const values = array64(shape);
  return array64(
    shape,
    values.data.map(() => Math.fround((next() < 0.5 ? -1 : 1) * (0.001 + 2 * next()))),
  );
};

/** What is left of the values in f16. */
const rounded = ({ shape, data }: Array64): Array64 =>
  array64(shape, toFloat32({ dtype: "F16", shape, data: Uint16Array.from(data, toHalf) }));

const sizes64 = ({ shape, data }: Array64): Array64 => array64(shape, data.map(Math.abs));

const tensorOf = ({ shape, data }: Array64): Tensor => Tensor.from(on.device, Float32Array.from(data), shape);

/** Holds values to a reference within so many roundings of f32, relative to the sizes that were added for each. */
function expectNear(got: ArrayLike<number>, want: Array64, sizes: Array64, roundings: number): void {
  expect(got.length).toBe(want.data.length);
  const worst = want.data.map((value, i) => Math.abs(got[i]! - value) / sizes.data[i]!);
  expect(Math.max(...worst)).toBeLessThanOrEqual(roundings * 2 ** -24);
}

const layouts = [
  { transposeA: false, transposeB: true },
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
  { transposeA: true, transposeB: true },
];

describe("products of operands rounded to f16, read by values and by blocks", () => {
  for (const layout of layouts) {
    for (const [m, n, k] of [
      [33, 20, 68],
      [35, 37, 65],
    ] as const) {
      const { transposeA, transposeB } = layout;
      test(`${transposeA ? "A^T" : "A"} ${transposeB ? "B^T" : "B"} ${m} x ${n} x ${k}, batch, bias, row sums`, async () => {
        const { device } = on;
        const a = random(2, ...(transposeA ? [k, m] : [m, k]));
        const b = random(2, ...(transposeB ? [n, k] : [k, n]));
        const bias = random(n);
        const product = matmul64(layout);
        const ones = array64(
          [2, ...(transposeB ? [1, k] : [k, 1])],
          Array.from({ length: 2 * k }, () => 1),
        );
        const plus = (y: Array64) =>
          array64(
            y.shape,
            y.data.map((value, i) => value + bias.data[i % n]!),
          );
        const want = plus(product(rounded(a), rounded(b)));
        const inputs = { a: tensorOf(a), b: tensorOf(b), bias: tensorOf(bias), m, n, k, batch: 2, ...layout };
        const found: number[][] = [];
        for (const name of METHODS) {
          vi.spyOn(device.tuning, "choose").mockReturnValue(name);
          const [y, rowSums] = [Tensor.empty(device, [2, m, n]), Tensor.empty(device, [2, m])];
          gemm({ ...inputs, y, rowSums });
          const [values, sums] = (await Promise.all([y.read(), rowSums.read()])) as [
            Float32Array,
            Float32Array,
          ];
          found.push([...values, ...sums]);
          expectNear(values, want, sizes64(product(sizes64(a), sizes64(b))), k);
          expectNear(sums, product(rounded(a), ones), product(sizes64(a), ones), k);
        }
        for (const values of found) expect(values).toEqual(found[0]);
        const whole = plus(product(a, b)); // not rounded: what f32 would give is another number
        expect(() => expectNear(found[0]!.slice(0, 2 * m * n), whole, sizes64(whole), k)).toThrow();
      });
    }
  }

  test("a long k in parts", async () => {
    const [m, n, k] = [8, 12, 1100];
    const [a, b] = [random(k, m), random(k, n)];
    const y = matmul(tensorOf(a), tensorOf(b), { transposeA: true });
    const product = matmul64({ transposeA: true });
    expectNear(await y.read(), product(rounded(a), rounded(b)), product(sizes64(a), sizes64(b)), k);
  });

  test("the edges of f16: ties to even, the largest value, infinity beyond it, zero below the least normal one", async () => {
    const values = [
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      -65_519,
      65_520,
      -(2 ** 17),
      2 ** -14,
      2 ** -15,
      Number.NaN,
    ];
    const y = matmul(Tensor.from(on.device, values, [8, 1]), Tensor.from(on.device, [1], [1, 1]));
    const [tie, odd, large, ...others] = await y.read();
    expect([tie, odd, large]).toEqual([1, 1 + 2 ** -9, -65_504]);
    const [beyond, below, least, less, nan] = others;
    expect([beyond, below, nan].map(Number.isFinite)).toEqual([false, false, false]); // so that a step sees them
    expect([least, less]).toEqual([2 ** -14, 0]);
  });
});

test("linear's gradients multiply rounded operands as well", async () => {
  const [m, n, k] = [6, 8, 12];
  const [x, w, bias, dy] = [random(m, k), random(n, k), random(n), random(m, n)];
  const inputs = [x, w, bias].map(tensorOf) as [Tensor, Tensor, Tensor];
  const [dx, dw, db] = grad(linear(...inputs), inputs, { seed: tensorOf(dy) }) as [Tensor, Tensor, Tensor];
  const [forX, forW] = [matmul64({}), matmul64({ transposeA: true })];
  expectNear(await dx.read(), forX(rounded(dy), rounded(w)), forX(sizes64(dy), sizes64(w)), n);
  expectNear(await dw.read(), forW(rounded(dy), rounded(x)), forW(sizes64(dy), sizes64(x)), m);
  const ones = array64(
    [m, 1],
    Array.from({ length: m }, () => 1),
  );
  expectNear(await db.read(), forW(rounded(dy), ones), forW(sizes64(dy), ones), m);
});

test("epilogues work on f32 sums: GELU between two products, a residual behind them", async () => {
  const [m, width, hidden] = [5, 8, 12];
  const [x, w1, b1] = [random(m, width), random(hidden, width), random(hidden)];
  const [w2, b2] = [random(width, hidden), random(width)];
  const weights = {
    fc1: { weight: tensorOf(w1), bias: tensorOf(b1) },
    fc2: { weight: tensorOf(w2), bias: tensorOf(b2) },
  };
  const input = tensorOf(x);
  const y = mlp(input, weights, "erf", input);
  const product = matmul64({ transposeB: true });
  const before = product(rounded(x), rounded(w1)).data.map((value, i) => value + b1.data[i % hidden]!);
  const activated = array64(
    [m, hidden],
    before.map((value) => (value / 2) * (1 + erf64(value / Math.SQRT2))),
  );
  const want = product(rounded(activated), rounded(w2));
  const sizes = product(sizes64(activated), sizes64(w2));
  for (const [i, value] of want.data.entries()) want.data[i] = x.data[i]! + value + b2.data[i % width]!;
  // A value between two of f16 may be rounded to either where the last bits of GELU differ: 2^-11 of one operand.
  const got = await y.read();
  for (const [i, value] of want.data.entries()) {
    expect(Math.abs(got[i]! - value) / sizes.data[i]!).toBeLessThan(2 ** -12);
  }
});
