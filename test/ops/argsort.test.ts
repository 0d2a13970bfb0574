import { expect, test } from "vitest";
import { type DType, Tensor, type Values } from "../../src/engine/graph/tensor.ts";
import { argsort } from "../../src/engine/ops/argsort.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";

/** The order of each row by the host's stable sort; NaN last, or first when descending. */
function order(x: ArrayLike<number>, n: number, descending: boolean): Uint32Array {
  const compare = (a: number, b: number) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a < b ? -1 : Number(a > b);
  };
  const result = new Uint32Array(x.length);
  for (let row = 0; row < x.length; row += n) {
    const indices = Array.from({ length: n }, (_, i) => i);
    indices.sort((i, j) => compare(x[row + i]!, x[row + j]!) * (descending ? -1 : 1));
    result.set(indices, row);
  }
  return result;
}

const next = testRandom(7);
/** Numbers of which about every third occurs several times. */
const someEqual = (size: number, low: number, high: number) =>
  Float32Array.from({ length: size }, () =>
    next() < 0.3 ? Math.floor(next() * 5) : Math.fround(low + (high - low) * next()),
  );

const on = withDevice();

async function check(
  values: Values,
  shape: number[],
  dtype: DType,
  directions: readonly boolean[] = [false, true],
): Promise<void> {
  const x = Tensor.from(on.device, values, shape, dtype);
  for (const descending of directions) {
    const y = argsort(x, { descending });
    expect([y.dtype, y.shape]).toEqual(["u32", shape]);
    const [actual, expected] = [await y.read(), order(values, shape.at(-1)!, descending)];
    const first = actual.findIndex((v, i) => v !== expected[i]);
    expect(first, `first difference, descending ${descending}`).toBe(-1);
    y.dispose();
  }
  x.dispose();
}

test.each([[[1]], [[63]], [[64]], [[3, 65]], [[2, 2, 196]], [[257]], [[2, 1024]]])(
  "rows ranked by counting [%s]",
  (shape) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return check(someEqual(size, -2, 2), shape, "f32");
  },
);

test.each([[[1025]], [[2, 2048]], [[3, 2049]]])("rows sorted by a network [%s]", (shape) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return check(someEqual(size, -2, 2), shape, "f32");
});

test("a row of 70,001", () => check(someEqual(70_001, -2, 2), [70_001], "f32", [true])); // the network is the same both ways

test.each<[DType, number[]]>([
  [
    "f32",
    [
      0,
      -0,
      Number.NaN,
      -1e-40,
      1e-40,
      Number.POSITIVE_INFINITY,
      -0,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      3e38,
    ],
  ],
  ["i32", [3, -1, 2 ** 31 - 1, -(2 ** 31), 0, -1]],
  ["u32", [3, 2 ** 32 - 1, 2 ** 31, 0, 3]],
])("special %s values", async (dtype, given) => {
  const array = { f32: Float32Array, i32: Int32Array, u32: Uint32Array }[dtype];
  await check(array.from(given), [given.length], dtype);
  const many = Array.from({ length: 1500 }, (_, i) => given[(i * 7) % given.length]!);
  await check(array.from(many), [1500], dtype);
});

test("a scalar has no order", () => {
  expect(() => argsort(Tensor.from(on.device, [1], []))).toThrow(
    "argsort: x needs at least one axis; got a scalar",
  );
});
