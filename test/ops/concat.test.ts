import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { concat } from "../../src/engine/ops/concat.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

function concat64(axis: number) {
  return (...xs: Array64[]): Array64 => {
    const first = xs[0]!.shape;
    const outer = first.slice(0, axis).reduce((size, n) => size * n, 1);
    const values: number[] = [];
    for (let o = 0; o < outer; o++) {
      for (const { data } of xs) {
        const run = data.length / outer;
        values.push(...data.subarray(o * run, (o + 1) * run));
      }
    }
    const total = xs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    return array64(
      first.map((n, i) => (i === axis ? total : n)),
      values,
    );
  };
}

const cases: [number, number[][]][] = [
  [0, [[1], [1]]],
  [0, [[63], [2], [65]]],
  [
    1,
    [
      [2, 1, 8],
      [2, 4, 8],
    ],
  ],
  [
    1,
    [
      [3, 1, 5],
      [3, 6, 5],
      [3, 2, 5],
    ],
  ],
  [
    2,
    [
      [2, 2, 3],
      [2, 2, 4],
    ],
  ],
  [0, [[2, 3]]],
];
for (const [axis, shapes] of cases) {
  checkOp(`concat axis ${axis}`, (...xs) => concat(xs, axis), concat64(axis), [{ shapes }]);
}

const on = withDevice();

test("the others' shapes and dtypes must fit the first", async () => {
  const x = Tensor.from(on.device, [1, 2], [1, 2]);
  const y = Tensor.from(on.device, [1, 2, 3], [1, 3]);
  expect([...(await concat([x, y], -1).read())]).toEqual([1, 2, 1, 2, 3]);
  expect(() => concat([x, y], 0)).toThrow(
    "concat: shapes must be equal except along axis 0; got [1,2], [1,3]",
  );
  expect(() => concat([x, Tensor.from(on.device, [1, 2], [1, 2], "u32")], 0)).toThrow(
    "concat: every other tensor must be",
  );
  expect(() => concat([], 0)).toThrow("concat: at least one tensor");
});
