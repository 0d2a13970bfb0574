import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { permute, transpose } from "../../src/engine/ops/permute.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** Every value's position, digit by digit. */
function permute64(axes: readonly number[]) {
  return (x: Array64): Array64 => {
    const y = array64(axes.map((axis) => x.shape[axis]!));
    for (let i = 0; i < x.data.length; i++) {
      const position: number[] = [];
      let rest = i;
      for (let k = x.shape.length - 1; k >= 0; k--) {
        position[k] = rest % x.shape[k]!;
        rest = Math.floor(rest / x.shape[k]!);
      }
      y.data[axes.reduce((at, axis) => at * x.shape[axis]! + position[axis]!, 0)] = x.data[i]!;
    }
    return y;
  };
}

const cases: [number[], number[]][] = [
  [[1], [0]],
  [
    [3, 5],
    [1, 0],
  ],
  [
    [64, 65],
    [1, 0],
  ],
  [
    [2, 3, 4],
    [0, 2, 1],
  ],
  [
    [2, 3, 4],
    [2, 0, 1],
  ],
  [
    [2, 7, 3, 2, 8],
    [2, 0, 3, 1, 4],
  ],
  [
    [2, 2, 3, 2, 3, 5],
    [0, 1, 3, 2, 4, 5],
  ],
  [
    [2, 3, 2, 3, 2, 3],
    [5, 4, 3, 2, 1, 0],
  ],
  [
    [1, 3, 1, 4, 1, 2, 1, 5],
    [6, 7, 4, 5, 2, 3, 0, 1],
  ],
  [
    [4, 1, 6],
    [1, 0, 2],
  ],
];
for (const [shape, axes] of cases) {
  checkOp(`permute ${axes}`, (x) => permute(x!, axes), permute64(axes), [{ shapes: [shape] }]);
}
checkOp("transpose", (x) => transpose(x!, 1, -1), permute64([0, 3, 2, 1]), [{ shapes: [[2, 3, 4, 5]] }]);

const on = withDevice();

test("any dtype; no work where the order in memory stays", async () => {
  const x = Tensor.from(on.device, [1, 2, 3, 4, 5, 4_000_000_000], [1, 2, 3], "u32");
  const y = permute(x, [2, 0, 1]);
  expect([y.shape, y.dtype, [...(await y.read())]]).toEqual([
    [3, 1, 2],
    "u32",
    [1, 4, 2, 5, 3, 4_000_000_000],
  ]);
  const before = on.device.counters.dispatches;
  expect(permute(x, [1, 0, 2]).shape).toEqual([2, 1, 3]);
  expect(on.device.counters.dispatches).toBe(before);
});

test("axes must name every axis once", () => {
  const x = Tensor.from(on.device, [1, 2], [1, 2]);
  expect(() => permute(x, [0, 0])).toThrow("permute: axes must name every axis of x [1,2] once; got [0,0]");
  expect(() => permute(x, [0])).toThrow("once; got [0]");
  expect(() => permute(x, [0, 2])).toThrow("permute");
});
