import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { compile } from "../../src/engine/capture/compile.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { add, square } from "../../src/engine/ops/elementwise.ts";
import { StepValues } from "../../src/engine/step/stepValues.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Bytes of the heap that are reachable, when nothing is under way. */
async function heap(): Promise<number> {
  await on.device.finish();
  gc();
  await new Promise((resolve) => setTimeout(resolve, 10));
  gc();
  return process.memoryUsage().heapUsed;
}

/** Bytes that the heap grows by from one run to the next, after a warm-up. */
async function growth(run: () => void): Promise<number> {
  const runs = 10_000;
  const many = async () => {
    for (let i = 0; i < runs; i++) {
      run();
      if (i % 500 === 499) await on.device.finish();
    }
  };
  await many();
  const before = await heap();
  await many();
  await many();
  return ((await heap()) - before) / (2 * runs);
}

test("the heap does not grow with the runs of a captured step", async () => {
  const x = Tensor.from(on.device, [1], [1]);
  const values = new StepValues(on.device, { rate: { dtype: "f32" } });
  const step = await compile(on.device, () => ({ y: add(square(x), values.tensor("rate")) }));
  const grows = await growth(() => {
    values.write({ rate: 2 });
    step.run();
  });
  expect(grows).toBeLessThan(8); // 65 when each answer was kept
  await step.dispose();
});

test("nor with work outside of one, nor does the device's memory, however its sizes change", async () => {
  let size = 0;
  const grows = await growth(() => {
    size = (size % 9973) + 1;
    on.device.tidy(() => void square(Tensor.zeros(on.device, [size])));
  });
  expect(grows).toBeLessThan(16);
  expect(on.device.counters.bytesHeld).toBeLessThan(18 * 2 ** 20);
  await on.device.allocator.trim();
  expect(on.device.counters.bytesHeld).toBeLessThan(1.5 * 2 ** 20); // the uniforms of 9,973 sizes would be 2.2 MiB
});
