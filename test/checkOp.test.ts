import { describe, expect, test } from "vitest";
import { stopGradient } from "../src/engine/graph/op.ts";
import { Tensor } from "../src/engine/graph/tensor.ts";
import { add, mul, square, sub } from "../src/engine/ops/elementwise.ts";
import { softmax } from "../src/engine/ops/softmax.ts";
import { type Array64, array64, random64, testRandom } from "./array64.ts";
import { checkCase } from "./checkOp.ts";
import { withDevice } from "./withDevice.ts";

const SEED = 1000;

describe("checkOp sees one wrong lane", () => {
  const on = withDevice();
  const square64 = ({ shape, data }: Array64) =>
    array64(
      shape,
      data.map((v) => v * v),
    );
  const softmax64 = ({ shape, data }: Array64) => {
    const powers = data.map(Math.exp);
    const total = powers.reduce((a, b) => a + b);
    return array64(
      shape,
      powers.map((power) => power / total),
    );
  };
  /** Zeros with one other value. */
  const planted = (size: number, lane: number, value: number): Tensor => {
    const values = new Float32Array(size);
    values[lane] = value;
    return Tensor.from(on.device, values, [size]);
  };
  const check = (op: (x: Tensor) => Tensor, size: number, reference = square64) =>
    checkCase(
      "op",
      (x) => op(x!),
      (x) => reference(x!),
      { shapes: [[size]] },
      { device: on.device, seed: SEED },
    );

  /** The inputs that `checkCase` makes. */
  const inputOf = (size: number) => random64([size], testRandom(SEED));
  const smallest = (x: Array64): number =>
    x.data.reduce((best, v, i) => (Math.abs(v) < Math.abs(x.data[best]!) ? i : best), 0);
  const largest = (x: Array64): number => x.data.reduce((best, v, i) => (v > x.data[best]! ? i : best), 0);

  test.each([40, 5000])("in the values, of %i", async (size) => {
    await check(square, size);
    const lane = smallest(inputOf(size)); // 6e-5 is 1.5e-5 of the largest value, 4
    const wrong = planted(size, lane, 6e-5);
    await expect(check((x) => add(square(x), wrong), size)).rejects.toThrow(`value[${lane}]`);
  });

  test.each([40, 5000])("in the gradient, of %i", async (size) => {
    const lane = largest(inputOf(size)); // its partial derivative, 4, is off by 1 in 100
    const wrong = planted(size, lane, 0.04);
    const bent = (x: Tensor) => mul(wrong, sub(x, stopGradient(x))); // 0, with a slope
    await expect(check((x) => add(square(x), bent(x)), size)).rejects.toThrow("gradient 0");
  });

  test("where the values are far smaller than the largest", async () => {
    const size = 50;
    const sharp = ({ shape, data }: Array64) =>
      softmax64(
        array64(
          shape,
          data.map((v) => 8 * v),
        ),
      );
    const eight = Tensor.from(on.device, [8], []);
    const op = (x: Tensor) => softmax(mul(x, eight));
    await check(op, size, sharp);
    const { data } = sharp(inputOf(size));
    const lane = data.indexOf(data.reduce((a, b) => Math.min(a, b)));
    const wrong = planted(size, lane, 1e-6);
    await expect(check((x) => add(op(x), wrong), size, sharp)).rejects.toThrow(`value[${lane}]`);
  });
});
