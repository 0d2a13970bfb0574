import { expect, test } from "vitest";
import { compile } from "../../src/engine/capture/compile.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { normal, uniform } from "../../src/engine/ops/randomOps.ts";
import { philox4x32, Random, STREAMS, seedKey, uniformFromBits } from "../../src/engine/random.ts";
import { expectClose } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const stepOf = (step: number) => Tensor.from(on.device, [step], [], "u32");
const SEED = 2 ** 40 + 12_345;

test.each([[1], [3], [64], [257], [1021]])("%i uniform numbers are the CPU's to the bit", async (count) => {
  const y = uniform(on.device, [count], { seed: SEED, stream: "mask", step: stepOf(4_000_000_000) });
  const expected = new Random(SEED, "mask", 4_000_000_000).fillUniform(new Float32Array(count));
  expect(await y.read()).toEqual(expected);
});

test("site is the last word of the counter", async () => {
  const y = uniform(on.device, [2, 2], { seed: SEED, stream: "test", step: stepOf(9), site: 5 });
  const block = philox4x32([0, 9, STREAMS.test, 5], seedKey(SEED));
  expect([...(await y.read())]).toEqual([...block].map(uniformFromBits));
});

test("normal numbers are the CPU's within the adapter's functions, and normal", async () => {
  const count = 20_001;
  const y = Array.from(await normal(on.device, [count], { seed: 1, stream: "test", step: stepOf(2) }).read());
  const expected = new Random(1, "test", 2).fillNormal(new Float32Array(count));
  // WGSL allows log an error of 2^-21 near 1 and sin and cos one of 2^-11, which the radius of up to 5.8 multiplies.
  expectClose("normal", y, expected, 2e-3);
  const mean = y.reduce((sum, v) => sum + v, 0) / count;
  const variance = y.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count;
  expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(count));
  expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
});

test("a captured step draws new numbers when its step counter moves", async () => {
  const step = stepOf(0);
  const compiled = await compile(on.device, () => ({
    y: uniform(on.device, [9], { seed: 3, stream: "mask", step }),
  }));
  for (const now of [0, 1, 7]) {
    step.write([now]);
    const expected = new Random(3, "mask", now).fillUniform(new Float32Array(9));
    expect(await compiled.run().y.read()).toEqual(expected);
  }
  await compiled.dispose();
});

test("the step must be one whole number", () => {
  const step = Tensor.from(on.device, [0], []);
  expect(() => uniform(on.device, [1], { seed: 1, stream: "test", step })).toThrow(
    "random: step must be u32 or i32; got f32",
  );
});
