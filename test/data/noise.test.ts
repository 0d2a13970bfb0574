import { expect, test } from "vitest";
import { checkImageSet } from "../../src/data/images.ts";
import { noisePictures } from "../../src/data/noise.ts";

test("noise has every byte value about equally often, and is the same each time", () => {
  const set = noisePictures(5, 33);
  checkImageSet(set);
  expect(set.pixels).toHaveLength(5 * 33 * 33 * 3);
  const counts = new Uint32Array(256);
  for (const value of set.pixels) counts[value]!++;
  const expected = set.pixels.length / 256; // 64, standard deviation 8
  expect(Math.min(...counts)).toBeGreaterThan(expected - 5 * 8);
  expect(Math.max(...counts)).toBeLessThan(expected + 5 * 8);
  expect(noisePictures(5, 33).pixels).toEqual(set.pixels);
  expect(noisePictures(6, 33).pixels.subarray(0, 100)).not.toEqual(set.pixels.subarray(0, 100));
});
