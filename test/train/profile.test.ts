import { expect, test } from "vitest";
import { noisePictures } from "../../src/data/noise.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { descriptionOf, runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { testGpu } from "../gpu.ts";

test("a profiled step is the step that would have been made, to the bit", async () => {
  const device = await Device.open(testGpu(), { timestamps: true });
  const pictures = noisePictures(6, 32);
  const images = await DeviceImages.upload(device, pictures);
  const settings = runSettings({
    method: "mae",
    recipe: "paper",
    model: "vit_micro_patch8_32",
    data: descriptionOf(pictures),
    seed: 3,
    batchSize: 2,
    totalSteps: 10,
    baseRate: 1,
    warmupSteps: 0,
  });
  /** The state after three steps, of which those named are profiled. */
  const after = async (...profiled: number[]) => {
    const trainer = new Trainer(device, settings, images);
    await trainer.prepare();
    while (trainer.step < 3) {
      if (profiled.includes(trainer.step)) {
        const { dispatches } = await trainer.prepare();
        expect(await trainer.timeDispatches()).toHaveLength(dispatches);
      } else trainer.run();
    }
    return trainer.state();
  };
  const plain = await after();
  expect(await after(0, 2)).toEqual(plain);
  for (const { values } of plain.tensors.values()) expect(values.every(Number.isFinite)).toBe(true);
  await device.finish();
  device.destroy();
});
