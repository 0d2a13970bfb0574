import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { type Padding, pad } from "../../src/engine/ops/pad.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** One axis after the other, the innermost last. */
function pad64(paddings: readonly Padding[], value: number) {
  return (x: Array64): Array64 =>
    paddings.reduce((y, [before, after], axis) => {
      const n = y.shape[axis]!;
      const longer = array64(y.shape.map((m, i) => (i === axis ? m + before + after : m)));
      const inner = y.shape.slice(axis + 1).reduce((size, m) => size * m, 1);
      for (let i = 0; i < longer.data.length; i++) {
        const place = (Math.floor(i / inner) % (n + before + after)) - before;
        const outer = Math.floor(i / inner / (n + before + after));
        longer.data[i] = place >= 0 && place < n ? y.data[(outer * n + place) * inner + (i % inner)]! : value;
      }
      return longer;
    }, x);
}

const cases: [number[], Padding[], number][] = [
  [[3], [[1, 2]], 0],
  [[3], [[0, 0]], 7],
  [
    [2, 3, 4],
    [
      [0, 0],
      [1, 0],
      [0, 0],
    ],
    0,
  ],
  [
    [2, 3, 4],
    [
      [1, 2],
      [0, 1],
      [3, 0],
    ],
    -1.5,
  ],
  [
    [2, 5, 8],
    [
      [0, 0],
      [2, 2],
      [4, 4],
    ],
    0.25,
  ],
  [[67], [[64, 1]], 1],
];
for (const [shape, paddings, value] of cases) {
  const name = `pad ${JSON.stringify(paddings)} with ${value}`;
  checkOp(name, (x) => pad(x!, paddings, value), pad64(paddings, value), [{ shapes: [shape] }]);
}

const on = withDevice();

test("whole numbers pad with whole numbers; paddings must fit", async () => {
  const x = Tensor.from(on.device, [1, 2], [2], "i32");
  expect([...(await pad(x, [[1, 1]], -3).read())]).toEqual([-3, 1, 2, -3]);
  expect(() => pad(x, [[1, -1]])).toThrow("pad: every axis of x [2] needs [before, after]");
  expect(() => pad(x, [])).toThrow("got []");
});
