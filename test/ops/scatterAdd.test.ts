import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { scatterAdd, scatterTokens } from "../../src/engine/ops/scatterAdd.ts";
import { type Array64, array64, testRandom } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** y[o, index[o, m, i], i] += src[o, m, i] */
function scatter64(index: readonly number[], shape: readonly number[], axis: number) {
  return (src: Array64): Array64 => {
    const y = array64(shape);
    const inner = shape.slice(axis + 1).reduce((size, n) => size * n, 1);
    const m = src.shape[axis]!;
    for (let i = 0; i < src.data.length; i++) {
      const outer = Math.floor(i / inner / m);
      y.data[(outer * shape[axis]! + index[i]!) * inner + (i % inner)]! += src.data[i]!;
    }
    return y;
  };
}

function numbersBelow(n: number, count: number): number[] {
  const next = testRandom(n + count);
  return Array.from({ length: count }, () => Math.floor(next() * n));
}

const cases: [number[], number, number][] = [
  [[1], 0, 1],
  [[5], 0, 9],
  [[3, 4], 0, 2],
  [[2, 5, 3], 1, 66],
  [[2, 65], 1, 130],
];
for (const [shape, axis, m] of cases) {
  const given = shape.map((n, i) => (i === axis ? m : n));
  const index = numbersBelow(
    shape[axis]!,
    given.reduce((size, n) => size * n, 1),
  );
  const op = (src: Tensor) => scatterAdd(shape, axis, Tensor.from(src.device, index, given, "u32"), src);
  checkOp(`scatterAdd to [${shape}]`, (src) => op(src!), scatter64(index, shape, axis), [
    { shapes: [given] },
  ]);
}

const tokens: [number, number, number, number][] = [
  [1, 1, 1, 1],
  [2, 5, 3, 4],
  [2, 3, 70, 5],
  [1, 7, 2100, 4],
  [2, 9, 4, 260],
];
for (const [b, n, m, d] of tokens) {
  const index = numbersBelow(n, b * m);
  const perValue = index.flatMap((row) => Array<number>(d).fill(row));
  const op = (src: Tensor) => scatterTokens(src, Tensor.from(src.device, index, [b, m], "u32"), n);
  checkOp(`scatterTokens ${m} to ${n}`, (src) => op(src!), scatter64(perValue, [b, n, d], 1), [
    { shapes: [[b, m, d]] },
  ]);
}

const on = withDevice();

test("unique numbers are put in place; numbers outside add nothing; shapes must fit", async () => {
  const src = Tensor.from(on.device, [1, 2, 3, 4], [2, 2, 1]);
  const index = Tensor.from(on.device, [2, 0, 1, 2], [2, 2], "u32");
  const y = scatterTokens(src, index, 3, { unique: true });
  expect([...(await y.read())]).toEqual([2, 0, 1, 0, 3, 4]);
  const outside = scatterTokens(src, Tensor.from(on.device, [2, 9, 3, 2], [2, 2], "u32"), 3);
  expect([...(await outside.read())]).toEqual([0, 0, 1, 0, 0, 4]);
  expect(() => scatterTokens(src, index.alias([4]), 3)).toThrow("scatterTokens: needs src [B, M, D]");
  expect(() => scatterAdd([3, 2], 0, index, src)).toThrow(
    "scatterAdd: src and index must have the result's shape",
  );
});
