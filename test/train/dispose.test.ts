import { expect, test } from "vitest";
import { noisePictures } from "../../src/data/noise.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { tinySettings } from "./tinyRun.ts";

const on = withDevice();

test("a trainer that was disposed of holds nothing", async () => {
  const { device } = on;
  const images = await DeviceImages.upload(device, noisePictures(7, 8));
  /** Bytes held with a run whose first step was made, and after it. */
  const run = async () => {
    const trainer = new Trainer(device, tinySettings(), images);
    await trainer.prepare();
    trainer.run();
    const during = device.counters.bytesHeld;
    await trainer.dispose();
    await device.allocator.trim();
    return { during, after: device.counters.bytesHeld };
  };
  const first = await run(); // leaves what the device keeps for any run
  const second = await run();
  expect(second.after).toBe(first.after);
  expect(second.during).toBeGreaterThan(second.after);
});
