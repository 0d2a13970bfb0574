import { expect, test } from "vitest";
import { Device } from "../../src/engine/gpu/device.ts";
import { testGpu } from "../gpu.ts";
import { unequal } from "./bits.ts";
import { stateOf } from "./savedFile.ts";
import { tinyTrainer } from "./tinyRun.ts";

test("a profiled step is the step that would have been made, to the bit", async () => {
  const device = await Device.open(testGpu(), { timestamps: true });
  /** The state after three steps, of which those named are profiled. */
  const after = async (...profiled: number[]) => {
    const trainer = await tinyTrainer(device);
    const { dispatches } = await trainer.prepare();
    while (trainer.step < 3) {
      if (profiled.includes(trainer.step)) {
        expect(await trainer.timeDispatches()).toHaveLength(dispatches);
      } else trainer.run();
    }
    return stateOf(trainer);
  };
  const [plain, profiled] = [await after(), await after(0, 2)];
  expect([unequal(profiled, plain), profiled.step, plain.step]).toEqual([[], 3, 3]);
  for (const { values } of plain.tensors.values()) expect(values.every(Number.isFinite)).toBe(true);
  await device.finish();
  device.destroy();
});
