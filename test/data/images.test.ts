import { expect, test } from "vitest";
import {
  channelStatistics,
  checkImageSet,
  gather,
  type ImageSet,
  splitAt,
  subset,
} from "../../src/data/images.ts";

/** Four pictures of 2 x 1 whose bytes count up. */
const set: ImageSet = {
  name: "four",
  width: 2,
  height: 1,
  count: 4,
  pixels: Uint8Array.from({ length: 24 }, (_, i) => i),
  labels: Int32Array.of(0, 1, 1, -1),
  classes: ["a", "b"],
};

test("a consistent set passes, each inconsistency is named", () => {
  expect(checkImageSet(set)).toBe(set);
  expect(() => checkImageSet({ ...set, pixels: new Uint8Array(32) })).toThrow(
    "four: pixels [4, 1, 2, 3] need 24 bytes; got 32. Are the pictures RGB without alpha?",
  );
  expect(() => checkImageSet({ ...set, labels: new Int32Array(3) })).toThrow(
    "one value per picture, 4; got 3",
  );
  expect(() => checkImageSet({ ...set, labels: Int32Array.of(1, 2, 0, 0) })).toThrow("got 2 for picture 1");
  expect(() => checkImageSet({ ...set, width: 0.5 })).toThrow("width must be a positive integer; got 0.5");
});

test("subset and gather copy the pictures asked for, in order", () => {
  const two = checkImageSet(subset(set, [3, 0], "two"));
  expect([...two.pixels]).toEqual([18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5]);
  expect([...two.labels]).toEqual([-1, 0]);
  expect(gather(set, Uint32Array.of(1)).pixels[0]).toBe(6);
  expect(() => gather(set, [4])).toThrow("integers in [0, 4); got 4 at position 0");
});

test("splitAt gives both parts", () => {
  const [head, tail] = splitAt(set, 1).map(checkImageSet) as [ImageSet, ImageSet];
  expect([head.count, tail.count, tail.pixels[0]]).toEqual([1, 3, 6]);
  expect(() => splitAt(set, 5)).toThrow("integer in [0, 4]; got 5");
});

test("channel statistics agree with the definition", () => {
  const { mean, std } = channelStatistics(set);
  for (let c = 0; c < 3; c++) {
    const values = [...set.pixels].filter((_, i) => i % 3 === c).map((x) => x / 255);
    const m = values.reduce((a, b) => a + b) / values.length;
    const s = Math.sqrt(values.reduce((a, b) => a + (b - m) ** 2, 0) / values.length);
    expect(mean[c]).toBeCloseTo(m, 12);
    expect(std[c]).toBeCloseTo(s, 12);
  }
});
