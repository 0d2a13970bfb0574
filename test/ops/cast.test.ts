import { expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { type DType, Tensor } from "../../src/engine/graph/tensor.ts";
import { cast } from "../../src/engine/ops/cast.ts";
import { sum } from "../../src/engine/ops/sum.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();

test.each<[DType, DType, number[], number[]]>([
  ["f32", "i32", [1.9, -1.9, 0, 5e9, -5e9], [1, -1, 0, 2 ** 31 - 128, -(2 ** 31)]],
  ["f32", "u32", [1.9, 0, 3e9], [1, 0, 3e9]],
  ["i32", "f32", [-7, 2 ** 24 + 1, 5], [-7, 2 ** 24, 5]],
  ["u32", "f32", [7, 4_294_967_295], [7, 2 ** 32]],
  ["i32", "u32", [-1, 3], [4_294_967_295, 3]],
  ["u32", "i32", [4_294_967_295, 3], [-1, 3]],
  ["f32", "f32", [1.5], [1.5]],
])("%s to %s", async (from, to, given, expected) => {
  const y = cast(Tensor.from(on.device, given, [given.length], from), to);
  const values = [...(await y.read())];
  expect(y.dtype).toBe(to);
  // Beyond the range WGSL may stop at the last whole number or at the last f32 below it.
  expect(values.map((v) => (to === "i32" && v === 2 ** 31 - 1 ? 2 ** 31 - 128 : v))).toEqual(expected);
});

test("65 values, and no gradient through whole numbers", async () => {
  const given = Array.from({ length: 65 }, (_, i) => i - 32 + 0.5);
  const x = Tensor.from(on.device, given, [65]);
  const y = cast(cast(x, "i32"), "f32");
  expect([...(await y.read())]).toEqual(given.map((v) => Math.trunc(v) + 0));
  const [dx] = grad(sum(y), [x]);
  expect(new Set(await dx!.read())).toEqual(new Set([0]));
});
