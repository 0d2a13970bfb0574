import { afterAll, beforeAll, expect, test } from "vitest";
import { type CompiledStep, compile, type Outputs } from "../../../src/engine/capture/compile.ts";
import { Device } from "../../../src/engine/gpu/device.ts";
import { grad } from "../../../src/engine/graph/autograd.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { selfAttention } from "../../../src/engine/ops/attention.ts";
import { square } from "../../../src/engine/ops/elementwise.ts";
import { gather } from "../../../src/engine/ops/gather.ts";
import { matmul } from "../../../src/engine/ops/matmul.ts";
import { slice } from "../../../src/engine/ops/slice.ts";
import { testGpu } from "../../gpu.ts";

let device: Device;
beforeAll(async () => {
  device = await Device.open(testGpu(), { timestamps: true });
});
afterAll(() => device.destroy());

const inputs = (...shape: number[]) => Tensor.zeros(device, shape);

/** What the profiler says of one step function's dispatches. */
async function profiled(step: () => Outputs) {
  const compiled = await compile(device, step);
  const dispatches = await compiled.timeDispatches();
  await compiled.dispose();
  return dispatches;
}

test("a matrix product declares its arithmetic; its bytes are those of its tensors", async () => {
  const [a, b] = [inputs(2, 8, 16), inputs(2, 16, 4)];
  const [product, ...others] = await profiled(() => ({ y: matmul(a, b) }));
  expect(others).toEqual([]);
  expect(product).toMatchObject({
    flops: 2 * 2 * 8 * 4 * 16,
    bytes: 4 * (2 * 8 * 16 + 2 * 16 * 4 + 2 * 8 * 4),
    shape: [2, 8, 4, 16],
  });
  expect(product!.kernel).toMatch(/^matmul_/);
});

test("a tensor that is bound several times counts once", async () => {
  const qkv = inputs(2, 5, 48);
  const seed = inputs(2, 5, 16);
  const [forward, backward] = await profiled(() => {
    const y = selfAttention(qkv, 2);
    const [dqkv] = grad(y, [qkv], { seed });
    return { y, dqkv: dqkv! };
  });
  const products = 2 * 2 * 2 * 5 * 5 * 8; // 2 of each of batch · heads · queries · keys · head size
  const [whole, part, statistics] = [4 * 2 * 5 * 48, 4 * 2 * 5 * 16, 4 * 2 * 2 * 2 * 5];
  expect(forward).toMatchObject({
    kernel: "attention_forward",
    flops: 2 * products,
    bytes: whole + part + statistics,
  });
  expect(backward).toMatchObject({
    kernel: "attention_backward",
    flops: 5 * products,
    bytes: 2 * whole + 2 * part + statistics,
  });
});

test("kernels that read a part of a tensor count the part", async () => {
  const x = inputs(100, 8);
  const index = Tensor.from(device, new Uint32Array(16), [2, 8], "u32");
  const cut = await profiled(() => ({ y: slice(x, 0, 10, 14) }));
  expect(cut.map(({ bytes }) => bytes)).toEqual([2 * 4 * 4 * 8]);
  const chosen = await profiled(() => ({ y: gather(x, 0, index) }));
  expect(chosen.map(({ bytes }) => bytes)).toEqual([3 * 4 * 2 * 8]); // what is read, where, what is written
});

test("times run forward, and what the step computes is what it computes without a profiler", async () => {
  const x = Tensor.from(device, [1, 2, 3, 4], [4]);
  const step: CompiledStep<{ y: Tensor }> = await compile(device, () => ({ y: square(square(x)) }));
  const dispatches = await step.timeDispatches();
  expect([...(await step.outputs.y.read())]).toEqual([1, 16, 81, 256]);
  expect(dispatches).toHaveLength(step.dispatches);
  expect(dispatches[0]!.startNs).toBe(0);
  for (const [i, { startNs, durationNs, flops }] of dispatches.entries()) {
    expect(durationNs).toBeGreaterThanOrEqual(0);
    expect(startNs).toBeGreaterThanOrEqual(dispatches[i - 1]?.startNs ?? 0);
    expect(flops).toBeUndefined();
  }
  await step.dispose();
});

test("what the GPU says against a timed step comes out, and the queries' memory is given back", async () => {
  const own = await Device.open(testGpu(), { timestamps: true });
  const x = Tensor.from(own, [1, 2], [2]);
  const step = await compile(own, () => ({ y: square(x) }));
  const held = own.counters.bytesHeld;
  x.storage.buffer!.destroy();
  await expect(step.timeDispatches()).rejects.toThrow(/^GPU: /);
  expect(own.counters.bytesHeld).toBe(held);
  own.destroy();
});

test("a device without timestamps is refused with what to do", async () => {
  const plain = await Device.open(testGpu());
  const x = Tensor.from(plain, [1], [1]);
  const step = await compile(plain, () => ({ y: square(x) }));
  await expect(step.timeDispatches()).rejects.toThrow("open it with { timestamps: true }");
  await step.dispose();
  plain.destroy();
});
