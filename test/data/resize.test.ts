import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  centerCrop,
  crop,
  type Filter,
  fitSquare,
  mirrored,
  type Picture,
  resize,
  resizeShorterSide,
  roundHalfEven,
} from "../../src/data/resize.ts";

/** The definition in f64, one axis, before rounding: normalised kernel weights around each output's centre, edges cut off. */
function reference(x: number[], output: number, filter: Filter): number[] {
  const keys = (t: number) =>
    t < 1 ? 1.5 * t ** 3 - 2.5 * t ** 2 + 1 : t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
  const sinc = (t: number) => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t));
  const lanczos = (t: number) => (t < 3 ? sinc(t) * sinc(t / 3) : 0);
  const kernel = { bicubic: keys, bilinear: (t: number) => Math.max(0, 1 - t), lanczos }[filter];
  const scale = x.length / output;
  const stretch = Math.max(1, scale);
  return Array.from({ length: output }, (_, i) => {
    const center = (i + 0.5) * scale;
    const weights = x.map((_, j) => kernel(Math.abs(j + 0.5 - center) / stretch));
    const sum = weights.reduce((a, b) => a + b);
    const y = weights.reduce((a, w, j) => a + w * x[j]!, 0) / sum;
    return Math.max(0, Math.min(255, y));
  });
}

/** A 5 x 4 RGB picture of fixed noise. */
const noise: Picture = {
  width: 5,
  height: 4,
  pixels: Uint8Array.of(
    ...[172, 47, 117, 192, 67, 251, 195, 103, 9, 211, 21, 242, 36, 87, 70],
    ...[216, 88, 140, 58, 193, 230, 39, 87, 174, 88, 81, 165, 25, 77, 72],
    ...[9, 148, 115, 208, 243, 197, 254, 79, 175, 192, 82, 99, 216, 177, 243],
    ...[29, 147, 147, 142, 167, 32, 193, 9, 185, 127, 32, 31, 202, 244, 151],
  ),
};

/** `noise` resized to 3 x 6 by Pillow 12.3, the last one by 9.4. */
const PILLOW: Record<Filter, number[]> = {
  bicubic: [
    ...[182, 52, 173, 215, 75, 115, 113, 57, 143, 169, 90, 177, 121, 93, 155, 73, 63, 122],
    ...[141, 147, 177, 64, 115, 192, 68, 83, 117, 99, 188, 158, 218, 118, 168, 189, 125, 176],
    ...[80, 178, 122, 213, 75, 133, 196, 146, 142, 75, 157, 96, 166, 35, 109, 168, 153, 96],
  ],
  bilinear: [
    ...[181, 56, 174, 198, 77, 115, 111, 59, 144, 165, 95, 177, 126, 93, 150, 82, 69, 128],
    ...[139, 142, 174, 83, 110, 180, 78, 89, 124, 103, 180, 155, 201, 115, 167, 180, 126, 169],
    ...[86, 173, 124, 199, 83, 140, 188, 145, 141, 77, 156, 98, 167, 49, 117, 170, 153, 100],
  ],
  lanczos: [
    ...[177, 54, 169, 232, 71, 122, 118, 57, 143, 169, 87, 175, 116, 91, 162, 69, 58, 114],
    ...[138, 155, 180, 58, 123, 201, 70, 79, 114, 100, 196, 166, 219, 125, 174, 184, 119, 174],
    ...[79, 184, 124, 227, 68, 125, 199, 145, 145, 78, 161, 98, 159, 26, 101, 161, 149, 95],
  ],
};

for (const filter of ["bicubic", "bilinear", "lanczos"] as const) {
  test(`${filter} gives Pillow's bytes`, () => {
    expect([...resize(noise, 3, 6, filter).pixels]).toEqual(PILLOW[filter]);
  });

  test(`${filter} along one axis agrees with the f64 definition`, () => {
    const x = Array.from({ length: 37 }, (_, i) => (i * i * 31 + 17 * i) % 256);
    for (const size of [1, 5, 12, 36, 38, 90]) {
      const expected = reference(x, size, filter);
      const row = resize({ width: 37, height: 1, pixels: Uint8Array.from(x) }, size, 1, filter);
      const column = resize({ width: 1, height: 37, pixels: Uint8Array.from(x) }, 1, size, filter);
      expect(column.pixels).toEqual(row.pixels);
      row.pixels.forEach((y, i) => {
        expect(Math.abs(y - expected[i]!)).toBeLessThan(0.5001); // a half may be rounded either way
      });
    }
  });

  test(`${filter} keeps a picture of the same size and a constant one`, () => {
    const same = resize(noise, 5, 4, filter);
    expect(same.pixels).toEqual(noise.pixels);
    expect(same.pixels).not.toBe(noise.pixels);
    const flat = { width: 9, height: 7, pixels: new Uint8Array(9 * 7 * 3).fill(201) };
    expect(new Set(resize(flat, 4, 20, filter).pixels)).toEqual(new Set([201]));
  });

  test(`${filter} keeps a linear ramp away from the edges`, () => {
    const ramp = { width: 64, height: 1, pixels: Uint8Array.from({ length: 64 }, (_, i) => 4 * i) };
    const half = resize(ramp, 32, 1, filter).pixels;
    for (let i = 4; i < 28; i++) expect(half[i]).toBe(8 * i + 2); // the mean of 8i and 8i + 4
  });
}

/** Noise of which half is black or white, by the generator of Numerical Recipes: weights a unit off show in some byte. */
function harsh(width: number, height: number): Picture {
  let state = 1;
  const pixels = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const value = state >>> 24;
    return value < 64 ? 0 : value < 192 ? value : 255;
  });
  return { width, height, pixels };
}

// The digests are of the bytes that Pillow 9.4 gives for that picture.
test.each<[filter: Filter, width: number, height: number, sha256: string]>([
  ["bicubic", 150, 110, "f9284643a936d6e3c0bd78b976ddb39ade1b892a2c72345ddf517f94df77c682"],
  ["bicubic", 611, 470, "84e5a7d47e5ef7e792f3fd9eb32eb7158875587983e6201b036d6686b129fafb"],
  ["bilinear", 150, 110, "6069d174c787f8bc5009407dde4658b5999be2ae0bfef09f1dd0cbf337ee8711"],
  ["bilinear", 611, 470, "7e30c3a34696b4e62ff5538c2552fba2f331c88da4e84a957d7dfc69df6fda2e"],
  ["lanczos", 150, 110, "9f7f839e71162a8680cd6ebffc49052eba59efcda04b804d47917113033c0b1a"],
  ["lanczos", 611, 470, "548edf64b6cb91feed9e49d043da82fd6eb4300fae21fe7509441bd3ec4f44f9"],
])("%s gives Pillow's bytes of a picture of harsh noise at %i x %i", (filter, width, height, sha256) => {
  const { pixels } = resize(harsh(400, 300), width, height, filter);
  expect(createHash("sha256").update(pixels).digest("hex")).toBe(sha256);
});

test("what is asked for at its own size is a copy, of Node's Buffer, too", () => {
  const picture = { width: 1, height: 1, pixels: Buffer.from([1, 2, 3]) };
  const same = resize(picture, 1, 1);
  picture.pixels.fill(9);
  expect([...same.pixels]).toEqual([1, 2, 3]);
});

test("the shorter side is scaled and the longer one rounded down", () => {
  const size = ({ width, height }: Picture) => [width, height];
  const blank = (width: number, height: number): Picture => ({
    width,
    height,
    pixels: new Uint8Array(width * height),
  });
  expect(size(resizeShorterSide(blank(100, 77), 32))).toEqual([41, 32]);
  expect(size(resizeShorterSide(blank(77, 100), 32))).toEqual([32, 41]);
});

test.each([
  [130, 90, 64],
  [61, 90, 60],
  [33, 64, 64],
  [64, 41, 64],
  [7, 7, 20],
  [300, 1, 16],
  [2, 500, 9],
])("the middle square of %i x %i at %i has the bytes of the middle of the whole", (width, height, size) => {
  const picture = harsh(width, height);
  for (const filter of ["bicubic", "bilinear", "lanczos"] as const) {
    const middle = fitSquare(picture, size, filter);
    const whole = centerCrop(resizeShorterSide(picture, size, filter), size);
    expect([middle.width, middle.height]).toEqual([size, size]);
    expect(Buffer.compare(middle.pixels, whole.pixels)).toBe(0);
  }
});

test("of a picture that is nothing but long only the middle is computed", () => {
  const gray = (width: number, height: number): Picture => ({
    width,
    height,
    pixels: new Uint8Array(width * height * 3).fill(77),
  });
  // Scaled as a whole they would have 4.9e9 bytes, more than an array may.
  for (const long of [gray(65_000, 2), gray(2, 65_000)]) {
    const { width, height, pixels } = fitSquare(long, 224);
    expect([width, height, new Set(pixels)]).toEqual([224, 224, new Set([77])]);
  }
});

test("a part of what is resized must lie inside of it", () => {
  expect(() => resize(noise, 8, 8, "bicubic", { left: 5, top: 0, width: 4, height: 1 })).toThrow(
    "resize: the rectangle must lie inside 8 x 8; got 4 x 1 at (5, 0)",
  );
});

test("crops take the rectangle asked for and must lie inside", () => {
  expect([...crop(noise, 3, 2, 2, 1).pixels]).toEqual([192, 82, 99, 216, 177, 243]);
  expect(centerCrop(noise, 2).pixels).toEqual(crop(noise, 2, 1, 2, 2).pixels); // (5 - 2) / 2 = 1.5 -> 2
  expect(centerCrop(noise, 4).pixels).toEqual(crop(noise, 0, 0, 4, 4).pixels); // 0.5 -> 0
  expect(centerCrop(noise, 3).pixels).toEqual(crop(noise, 1, 0, 3, 3).pixels); // 1 and 0.5 -> 0
  expect(() => crop(noise, 4, 0, 2, 2)).toThrow("must lie inside 5 x 4; got 2 x 2 at (4, 0)");
});

test("a half rounds to the even neighbour", () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 2, 3]);
});

test("a mirror image has its pixels, or its labels, left for right", () => {
  const size = { width: 3, height: 2 };
  expect([...mirrored(Uint16Array.of(1, 2, 3, 400, 500, 600), size)]).toEqual([3, 2, 1, 600, 500, 400]);
  const pixels = Uint8Array.from({ length: 18 }, (_, i) => i);
  const turned = [6, 7, 8, 3, 4, 5, 0, 1, 2];
  expect([...mirrored(pixels, size)]).toEqual([...turned, ...turned.map((v) => v + 9)]);
});
