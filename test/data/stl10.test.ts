import { expect, test } from "vitest";
import { readStl10 } from "../../src/data/stl10.ts";

const PLANE = 96 * 96;

test("planes are column-major and labels start at 1", () => {
  const images = new Uint8Array(2 * 3 * PLANE);
  images[3 * PLANE + PLANE + 5 * 96 + 7] = 200; // second picture, green, column 5, row 7
  const set = readStl10(images, Uint8Array.of(1, 10));
  expect([...set.labels]).toEqual([0, 9]);
  expect(set.pixels[((96 + 7) * 96 + 5) * 3 + 1]).toBe(200);
  expect(set.pixels.reduce((a, b) => a + b, 0)).toBe(200);
});

test("pictures without labels get -1, wrong labels and lengths are refused", () => {
  const images = new Uint8Array(3 * PLANE);
  expect([...readStl10(images).labels]).toEqual([-1]);
  expect(() => readStl10(images, Uint8Array.of(0))).toThrow("must be 1..10; got 0 for picture 0");
  expect(() => readStl10(images, Uint8Array.of(1, 2))).toThrow("needs 1 bytes (one per picture); got 2");
  expect(() => readStl10(images.subarray(1))).toThrow("needs a multiple of 27648 bytes");
});
