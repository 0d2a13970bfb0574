import { expect, test } from "vitest";
import { noisePictures } from "../../src/data/noise.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { fitTokenizer } from "../../src/train/fitTokenizer.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const choices = { tokens: 6, patchSize: 4, imageSize: 16, seed: 0, batchSize: 3 };

test("the same pictures and seed give the same codes, another seed others, and no memory stays taken", async () => {
  const images = await DeviceImages.upload(on.device, noisePictures(7, 20));
  const first = await fitTokenizer(on.device, images, choices);
  expect(first.shape).toEqual([6, 48]);
  expect(first.values.every(Number.isFinite)).toBe(true);
  await on.device.allocator.trim();
  const before = on.device.counters.bytesHeld;
  expect(await fitTokenizer(on.device, images, choices)).toEqual(first);
  expect(await fitTokenizer(on.device, images, { ...choices, seed: 1 })).not.toEqual(first);
  await on.device.allocator.trim();
  expect(on.device.counters.bytesHeld).toBe(before);
});
