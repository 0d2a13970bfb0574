import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { topK } from "../../src/engine/ops/topK.ts";
import { type Array64, array64, testRandom } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** Indices of the k largest of each row, ties to the lower index. */
function largest64(x: ArrayLike<number>, n: number, k: number): number[] {
  return Array.from({ length: x.length / n }, (_, row) => {
    const indices = Array.from({ length: n }, (_, i) => i);
    return indices.sort((i, j) => x[row * n + j]! - x[row * n + i]! || i - j).slice(0, k);
  }).flat();
}

const values64 =
  (k: number) =>
  (x: Array64): Array64 => {
    const n = x.shape.at(-1)!;
    const chosen = largest64(x.data, n, k).map((i, at) => x.data[Math.floor(at / k) * n + i]!);
    return array64([...x.shape.slice(0, -1), k], chosen);
  };

const cases: [number[], number][] = [
  [[1], 1],
  [[65], 5],
  [[3, 64], 64],
  [[2, 2, 7], 3],
  [[2, 300], 257],
];
for (const [shape, k] of cases) {
  checkOp(`topK ${k}, values`, (x) => topK(x!, k).values, values64(k), [{ shapes: [shape] }]);
}

const on = withDevice();
const next = testRandom(11);

test.each<[string, number[], number, () => number]>([
  ["distinct", [5, 1000], 20, () => next() - 0.5],
  ["many equal", [4, 777], 100, () => Math.floor(next() * 4)],
  ["all equal", [2, 1030], 256, () => 1],
  ["close to each other", [3, 2000], 200, () => 0.9 + 1e-6 * next()],
  ["a long row", [2, 100_003], 200, () => next() * 2 - 1],
  ["one of many", [3, 513], 1, () => Math.floor(next() * 3)],
  ["every value", [2, 256], 256, () => Math.floor(next() * 30) - 15],
  ["more than a workgroup", [2, 1500], 400, () => Math.floor(next() * 300)],
])("indices of the largest: %s", async (_, shape, k, draw) => {
  const values = Float32Array.from({ length: shape[0]! * shape[1]! }, draw);
  const x = Tensor.from(on.device, values, shape);
  const top = topK(x, k);
  const expected = largest64(values, shape[1]!, k);
  expect(top.indices.shape).toEqual([shape[0], k]);
  expect([...(await top.indices.read())]).toEqual(expected);
  const chosen = expected.map((i, at) => values[Math.floor(at / k) * shape[1]! + i]);
  expect([...(await top.values.read())]).toEqual(chosen);
});

test("whole numbers, NaN on top, and k within the row", async () => {
  const numbers = Tensor.from(on.device, [-3, 5, 2, 5], [4], "i32");
  expect([...(await topK(numbers, 3).indices.read())]).toEqual([1, 3, 2]);
  const x = Tensor.from(on.device, [1, Number.NaN, Number.POSITIVE_INFINITY], [3]);
  expect([...(await topK(x, 2).indices.read())]).toEqual([1, 2]);
  expect(() => topK(x, 4)).toThrow(
    "topK: k must be a whole number from 1 to the length of x's last axis; got 4",
  );
});
