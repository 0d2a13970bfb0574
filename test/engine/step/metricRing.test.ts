import { describe, expect, test } from "vitest";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { MetricRing } from "../../../src/engine/step/metricRing.ts";
import { withDevice } from "../../withDevice.ts";

describe("MetricRing", () => {
  const on = withDevice();

  /** A ring of four rows, and what writes the row of a step. */
  function ringOf() {
    const ring = new MetricRing(on.device, ["loss", "norm"], 4);
    const write = (step: number, loss: number) =>
      ring.record(Tensor.from(on.device, [step], [], "u32"), {
        loss: Tensor.from(on.device, [loss], []),
        norm: Tensor.from(on.device, [-loss], []),
      });
    return { ring, write };
  }

  test("gives the latest rows, round after round", async () => {
    const { ring, write } = ringOf();
    for (let step = 0; step < 10; step++) write(step, step / 2);
    expect(await ring.read(6, 10)).toEqual(
      [6, 7, 8, 9].map((step) => ({ step, values: { loss: step / 2, norm: -step / 2 } })),
    );
    expect(await ring.read(10, 10)).toEqual([]);
    await expect(ring.read(5, 10)).rejects.toThrow("the ring holds 4 steps; got 5 to 10");
  });

  test.each([0, 1, 4])("row %d that did not arrive is missed", async (step) => {
    const { ring, write } = ringOf();
    for (let before = 0; before < step; before++) write(before, 1);
    await expect(ring.read(step, step + 1)).rejects.toThrow(
      `step ${step}: the GPU must have written its metrics; it did not, so its work was dropped`,
    );
  });

  test("after a restart a row of before is not taken for one of after", async () => {
    const { ring, write } = ringOf();
    for (let step = 0; step < 3; step++) write(step, 1);
    const before = ring.read(2, 3);
    ring.restart();
    await expect(ring.read(2, 3)).rejects.toThrow("step 2: the GPU must have written its metrics");
    write(2, 5);
    expect(await ring.read(2, 3)).toEqual([{ step: 2, values: { loss: 5, norm: -5 } }]);
    await expect(ring.read(1, 2)).rejects.toThrow("step 1: the GPU must have written its metrics");
    expect(await before).toEqual([{ step: 2, values: { loss: 1, norm: -1 } }]);
    for (const count of [2, 3]) {
      ring.restart();
      await expect(ring.read(2, 3), String(count)).rejects.toThrow("step 2");
    }
  });
});
