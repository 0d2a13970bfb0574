import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { slice } from "../../src/engine/ops/slice.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

function slice64(axis: number, start: number, end: number) {
  return (x: Array64): Array64 => {
    const n = x.shape[axis]!;
    const inner = x.shape.slice(axis + 1).reduce((size, m) => size * m, 1);
    const kept = [...x.data].filter((_, i) => {
      const place = Math.floor(i / inner) % n;
      return place >= start && place < end;
    });
    return array64(
      x.shape.map((m, i) => (i === axis ? end - start : m)),
      kept,
    );
  };
}

const cases: [number[], number, number, number][] = [
  [[5], 0, 2, 3],
  [[130], 0, 1, 66],
  [[3, 5, 4], 1, 0, 1],
  [[3, 5, 4], 1, 1, 5],
  [[2, 3, 7], 2, 2, 6],
  [[2, 3, 12], 2, 4, 8],
  [[4, 3, 65], 0, 1, 3],
  [[2, 3], 1, 0, 3],
];
for (const [shape, axis, start, end] of cases) {
  const name = `slice axis ${axis}, ${start} to ${end}`;
  checkOp(name, (x) => slice(x!, axis, start, end), slice64(axis, start, end), [{ shapes: [shape] }]);
}

const on = withDevice();

test("negative places count from the end; the end may be left out", async () => {
  const x = Tensor.from(on.device, [1, 2, 3, 4, 5], [5], "i32");
  expect([...(await slice(x, -1, -3, -1).read())]).toEqual([3, 4]);
  expect([...(await slice(x, 0, 3).read())]).toEqual([4, 5]);
});

test("the range must not be empty or leave x", () => {
  const x = Tensor.from(on.device, [1, 2, 3], [3]);
  expect(() => slice(x, 0, 1, 4)).toThrow(
    "slice: start to end must be a range within axis 0 of x [3]; got 1 to 4",
  );
  expect(() => slice(x, 0, 2, 2)).toThrow("got 2 to 2");
  expect(() => slice(x, 1, 0, 1)).toThrow("slice: axes must exist");
});
