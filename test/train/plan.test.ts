import { describe, expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { LimitError } from "../../src/engine/gpu/memory.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { square } from "../../src/engine/ops/elementwise.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { largestBatch, planRun } from "../../src/train/plan.ts";
import { descriptionOf, runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const set = creatures({ count: 40, size: 32, seed: 1 });
const settings = runSettings({
  method: "mae",
  recipe: "paper",
  model: "vit_micro_patch4_32",
  data: descriptionOf(set),
  seed: 1,
  batchSize: 8,
  totalSteps: 4,
});
const large = runSettings({
  method: "mae",
  recipe: "paper",
  model: "vit_small_patch16_224",
  data: { name: "any", count: 65_536, width: 8, height: 8 },
  seed: 1,
  batchSize: 65_536,
  totalSteps: 1,
});

describe("planRun", () => {
  test("allocates, compiles and submits nothing", () => {
    const before = { ...on.device.counters };
    planRun(on.device, settings);
    expect(on.device.counters).toEqual(before);
  });

  test("counts the arithmetic of products and attention: three times the forward pass, a little more where it is repeated", () => {
    const supervised = runSettings({
      ...{ method: "supervised", model: "vit_micro_patch4_32", seed: 1, batchSize: 64, totalSteps: 4 },
      data: { ...descriptionOf(set), count: 640, classes: 20 },
    } as const);
    const [tokens, width, blocks] = [65, 96, 4];
    const products = 2 * tokens * width * (3 + 1 + 4 + 4) * width; // qkv, out, and the two of the MLP
    const attention = 2 * 2 * tokens ** 2 * width;
    const forward = blocks * (products + attention);
    const share = planRun(on.device, supervised).flops / 64 / (3 * forward);
    expect(share).toBeGreaterThan(1);
    expect(share).toBeLessThan(1.1);
  });

  test.each([false, true])("tells what a run then holds, gradCheckpointing %s", async (gradCheckpointing) => {
    const plan = planRun(on.device, settings, { gradCheckpointing });
    const device = await Device.open(on.device.source as GPU);
    const before = device.counters.bytesHeld;
    const images = await DeviceImages.upload(device, set);
    const trainer = new Trainer(device, settings, images, { gradCheckpointing });
    const step = await trainer.prepare();
    const more = device.counters.bytesHeld - before - plan.total;
    expect(more).toBeGreaterThan(-1024); // small buffers of the self-test that are used again
    expect(more).toBeLessThanOrEqual(65_536); // a block of uniforms
    expect(plan).toMatchObject({
      batchSize: 8,
      parameterCount: trainer.trained.count(),
      activations: step.memory.bytes,
      lowerBound: step.memory.lowerBound,
      networks: 1,
      dispatches: step.dispatches,
      images: 40 * 32 * 32 * 3 + 40 * 4,
      optimizer: 2 * plan.gradients,
    });
    expect(plan.total).toBe(
      plan.parameters + plan.gradients + plan.optimizer + plan.activations + plan.images! + plan.other,
    );
    device.destroy();
  });

  test("names the largest tensor that is bound and the longest grid: all gradients, four values a lane", () => {
    const { gradients, largestBinding, longestGrid } = planRun(on.device, settings);
    expect(largestBinding).toEqual({ kernel: "clip_squares", bytes: gradients });
    expect(longestGrid).toEqual({ kernel: "adamw", workgroups: Math.ceil(gradients / 16 / 64) });
  });

  test("computing blocks again halves the activations, and more the deeper the network", () => {
    const kept = planRun(on.device, settings);
    const saved = planRun(on.device, settings, { gradCheckpointing: true });
    expect(saved.activations / kept.activations).toBeLessThan(0.5); // 0.45 measured
    const deep = { ...large, batchSize: 4 };
    const ratio =
      planRun(on.device, deep, { gradCheckpointing: true }).activations /
      planRun(on.device, deep).activations;
    expect(ratio).toBeLessThan(0.3); // 0.26 measured
  });

  test("refuses what the adapter cannot bind, by the limit's number", () => {
    const limit = on.device.limits.maxStorageBufferBindingSize;
    expect(() => planRun(on.device, large)).toThrow(LimitError);
    expect(() => planRun(on.device, large)).toThrow(`this adapter binds at most ${limit} bytes at once; got`);
  });

  test("refuses what the memory does not hold", () => {
    const { total } = planRun(on.device, settings);
    expect(planRun(on.device, settings, { memory: total }).total).toBe(total);
    expect(() => planRun(on.device, settings, { memory: total - 1 })).toThrow(
      `memory: this machine has ${total - 1} bytes for the device; the run needs ${total}`,
    );
  });
});

describe("largestBatch", () => {
  test("fits, and one more does not", () => {
    const most = largestBatch(on.device, large);
    expect(most).toBeGreaterThan(0);
    expect(planRun(on.device, { ...large, batchSize: most }).batchSize).toBe(most);
    expect(() => planRun(on.device, { ...large, batchSize: most + 1 })).toThrow(LimitError);
  });

  test("follows the memory", () => {
    const memory = planRun(on.device, { ...settings, batchSize: 5 }).total;
    expect(largestBatch(on.device, settings, { memory })).toBe(5);
    expect(largestBatch(on.device, settings, { memory, gradCheckpointing: true })).toBeGreaterThan(5);
    expect(largestBatch(on.device, settings, { memory: 1000 })).toBe(0);
  });
});

test("an unknown picture set is left out", () => {
  const known = planRun(on.device, settings);
  const plan = planRun(on.device, settings, { withoutImages: true });
  expect(plan.images).toBeNull();
  expect(plan.activations).toBe(known.activations);
  expect(known.total - plan.total).toBeGreaterThan(known.images! * 0.95); // one picture stays
});

test("a planning device runs nothing", () => {
  const planning = Device.planning(on.device);
  expect(() => square(Tensor.from(planning, [1], [1]))).toThrow(
    "a planning device runs nothing: capture the step instead",
  );
});
