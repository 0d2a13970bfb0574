import { expect, test } from "vitest";
import { type ImageSet, pictureAt } from "../../src/data/images.ts";
import { scrambledPatches } from "../../src/eval/scrambledPatches.ts";

const config = { imageSize: 8, patchSize: 2 };

/** Pictures whose red is the patch, green the column in it and blue the row in it. */
const images: ImageSet = {
  ...{ name: "patches", width: 8, height: 8, count: 3, labels: new Int32Array(3), classes: ["a"] },
  pixels: Uint8Array.from({ length: 3 * 192 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 8, Math.floor(i / 24) % 8];
    return [4 * Math.floor(y / 2) + Math.floor(x / 2), x % 2, y % 2][i % 3]!;
  }),
};

/** The patches of a picture in their new order. */
function orderOf(set: ImageSet, i: number): number[] {
  const { pixels } = pictureAt(set, i);
  for (let at = 0; at < 192; at += 3) {
    const [x, y] = [(at / 3) % 8, Math.floor(at / 24)];
    const first = 3 * ((y - (y % 2)) * 8 + x - (x % 2));
    expect([...pixels.subarray(at, at + 3)]).toEqual([pixels[first], x % 2, y % 2]); // patches are whole
  }
  return Array.from(
    { length: 16 },
    (_, patch) => pixels[3 * (16 * Math.floor(patch / 4) + 2 * (patch % 4))]!,
  );
}

test("every patch is there once and whole, at a place of its own in each picture", () => {
  const scrambled = scrambledPatches(images, config, 7);
  const orders = [0, 1, 2].map((i) => orderOf(scrambled, i));
  const all = Array.from({ length: 16 }, (_, patch) => patch);
  for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual(all);
  expect(new Set([all, ...orders].map(String)).size).toBe(4);
  expect(scrambledPatches(images, config, 7)).toEqual(scrambled);
  expect(scrambledPatches(images, config, 8).pixels).not.toEqual(scrambled.pixels);
});
