import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { gather, gatherTokens } from "../../src/engine/ops/gather.ts";
import { type Array64, array64, testRandom } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** y[o, m, i] = x[o, index[o, m, i], i] */
function gather64(index: readonly number[], shape: readonly number[], axis: number) {
  return (x: Array64): Array64 => {
    const inner = shape.slice(axis + 1).reduce((size, n) => size * n, 1);
    const [m, n] = [shape[axis]!, x.shape[axis]!];
    const at = (i: number) => (Math.floor(i / inner / m) * n + index[i]!) * inner + (i % inner);
    return array64(
      shape,
      index.map((_, i) => x.data[at(i)]!),
    );
  };
}

const product = (shape: readonly number[]) => shape.reduce((size, n) => size * n, 1);

/** Whole numbers below n, some of them several times. */
function numbersBelow(n: number, count: number, seed: number): number[] {
  const next = testRandom(seed);
  return Array.from({ length: count }, () => Math.floor(next() * n));
}

/** Different numbers below n in each run of m. */
function choiceOf(n: number, m: number, runs: number): number[] {
  const next = testRandom(n);
  return Array.from({ length: runs }, () => {
    const order = Array.from({ length: n }, (_, i) => ({ i, at: next() })).sort((a, b) => a.at - b.at);
    return order.slice(0, m).map(({ i }) => i);
  }).flat();
}

const values: [number[], number, number][] = [
  [[1], 0, 1],
  [[5], 0, 9],
  [[3, 4], 0, 2],
  [[3, 4], 1, 6],
  [[2, 5, 3], 1, 66],
  [[65, 2], 0, 3],
];
for (const [x, axis, m] of values) {
  const shape = x.map((n, i) => (i === axis ? m : n));
  const index = numbersBelow(x[axis]!, product(shape), m);
  const op = (input: Tensor) => gather(input, axis, Tensor.from(input.device, index, shape, "u32"));
  checkOp(`gather axis ${axis}, ${m} places`, (input) => op(input!), gather64(index, shape, axis), [
    { shapes: [x] },
  ]);
}

const tokens: [number, number, number, number, boolean][] = [
  [1, 1, 1, 1, false],
  [2, 5, 3, 4, true],
  [2, 5, 5, 8, true],
  [2, 5, 7, 3, false],
  [2, 3, 70, 4, false],
  [1, 4, 2100, 2, false],
  [2, 9, 4, 260, false],
  [3, 17, 4, 65, true],
];
for (const [b, n, m, d, unique] of tokens) {
  const index = unique ? choiceOf(n, m, b) : numbersBelow(n, b * m, m);
  const perValue = index.flatMap((row) => Array<number>(d).fill(row));
  const op = (x: Tensor) => gatherTokens(x, Tensor.from(x.device, index, [b, m], "u32"), { unique });
  const name = `gatherTokens, ${m} of ${n}${unique ? ", unique" : ""}`;
  checkOp(name, (x) => op(x!), gather64(perValue, [b, m, d], 1), [{ shapes: [[b, n, d]] }]);
}

const on = withDevice();

test("an index outside gives NaN; the index must fit", async () => {
  const x = Tensor.from(on.device, [1, 2, 3, 4], [1, 2, 2]);
  const index = Tensor.from(on.device, [1, 2, -1], [1, 3], "i32");
  expect([...(await gatherTokens(x, index).read())]).toEqual([
    3,
    4,
    Number.NaN,
    Number.NaN,
    Number.NaN,
    Number.NaN,
  ]);
  expect(() => gatherTokens(x, Tensor.from(on.device, [0], [1]))).toThrow(
    "index must be u32 or i32; got f32",
  );
  expect(() => gatherTokens(x, Tensor.from(on.device, [0], [1], "u32"))).toThrow(
    "gatherTokens: needs x [B, N, D]",
  );
  expect(() => gather(x, 1, index)).toThrow("gather: index must have x's shape except along axis 1");
});
