import { expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { where } from "../../src/engine/ops/where.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp, type OpCase } from "../checkOp.ts";
import { expand64 } from "../expand64.ts";
import { withDevice } from "../withDevice.ts";

const where64 =
  (shape: readonly number[]) =>
  (condition: Array64, a: Array64, b: Array64): Array64 => {
    const [c, x, y] = [condition, a, b].map((input) => expand64(input, shape).data);
    return array64(
      shape,
      c!.map((v, i) => (v !== 0 ? x![i]! : y![i]!)),
    );
  };

/** About half of the conditions are 0, some of them -0. */
const prepare = (v: number, input: number) => (input === 0 && v < 0.2 ? Math.sign(v) * 0 : v);
const cases: [number[], OpCase["shapes"]][] = [
  [[1], [[1], [1], [1]]],
  [[65], [[65], [65], [65]]],
  [
    [3, 5],
    [[3, 1], [3, 5], []],
  ],
  [
    [2, 3, 4],
    [[3, 1], [2, 1, 4], [4]],
  ],
];
for (const [shape, shapes] of cases) {
  checkOp("where", (c, a, b) => where(c!, a!, b!), where64(shape), [
    { shapes, prepare, differentiable: [false, true, true] },
  ]);
}

const on = withDevice();

test("a u32 condition; a NaN on the side not taken stays out of value and gradient", async () => {
  const condition = Tensor.from(on.device, [0, 0x80000000, 1], [3], "u32");
  const a = Tensor.from(on.device, [Number.NaN, 2, 3], [3]);
  const b = Tensor.from(on.device, [4, Number.NaN, 6], [3]);
  const y = where(condition, a, b);
  expect([...(await y.read())]).toEqual([4, 2, 3]);
  const seed = Tensor.from(on.device, [10, 20, 30], [3]);
  const [da, db] = grad(y, [a, b], { seed });
  expect([...(await da!.read())]).toEqual([0, 20, 30]);
  expect([...(await db!.read())]).toEqual([10, 0, 0]);
  expect(() => where(condition, a, condition)).toThrow("where: b must be f32, like a; got u32");
});
