import { expect, test } from "vitest";
import { noisePictures } from "../../src/data/noise.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();

test("labels lie beside the pixels, 2^32 - 1 where there is none, and all of it is given back", async () => {
  const set = { ...noisePictures(4, 5), labels: Int32Array.of(2, -1, 0, 1), classes: ["a", "b", "c"] };
  const images = await DeviceImages.upload(on.device, set, 2 * 75 + 1); // two pictures of 75 bytes a buffer
  expect([...(await images.labels.read())]).toEqual([2, 2 ** 32 - 1, 0, 1]);
  expect(images.shards).toMatchObject({ perShard: 2, count: 4, width: 5, height: 5 });
  expect(images.bytes).toBe(2 * 152 + 4 * 4);
  const bytes = await Promise.all(images.shards.tensors.map((shard) => shard.read()));
  expect(bytes.flatMap((words) => [...new Uint8Array(words.buffer).subarray(0, 150)])).toEqual([
    ...set.pixels,
  ]);
  images.dispose();
  expect(() => images.shards.tensors.map(({ storage }) => storage.use("test"))).toThrow("disposed");
});
