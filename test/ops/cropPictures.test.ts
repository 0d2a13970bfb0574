import { expect, test, vi } from "vitest";
import type { ImageSet } from "../../src/data/images.ts";
import { crop, type Filter, resize } from "../../src/data/resize.ts";
import { compile } from "../../src/engine/capture/compile.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { BOX_WORDS, type CropOptions, cropPictures, wholeBoxes } from "../../src/engine/ops/cropPictures.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();

/** Levels come out as they are: (level / 255 - 0) / 1 times 255. */
const PLAIN = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
const levelsOf = (values: ArrayLike<number>) => Array.from(values, (v) => Math.round(v * 255));

/** Pictures between noise and smooth shapes, so that clamping and rounding both happen. */
function pictures(count: number, width: number, height: number): ImageSet {
  const next = testRandom(width * height + count);
  const pixels = Uint8Array.from({ length: count * width * height * 3 }, (_, i) =>
    Math.floor(i / 5) % 2 === 0 ? next() * 256 : next() < 0.5 ? 0 : 255,
  );
  const labels = Int32Array.from({ length: count }, (_, i) => i - 1);
  const classes = Array.from({ length: count }, (_, i) => `${i}`);
  return { name: "test", width, height, count, pixels, labels, classes };
}

async function cropped(images: DeviceImages, boxes: readonly number[], options: Partial<CropOptions>) {
  const { device } = on;
  const rows = Tensor.from(device, boxes, [boxes.length / BOX_WORDS, BOX_WORDS], "i32");
  const y = device.tidy(() => cropPictures(images.shards, rows, { size: 8, ...PLAIN, ...options }));
  const values = await y.read();
  y.dispose();
  rows.dispose();
  return values;
}

/** Boxes of many sizes and places, without flips: the whole picture, one pixel, one row, one column, then at random. */
function someBoxes({ count, width, height }: ImageSet, random: number): number[] {
  const next = testRandom(count);
  const below = (n: number) => Math.floor(next() * n);
  const drawn = Array.from({ length: random }, () => {
    const [h, w] = [1 + below(height), 1 + below(width)];
    return [below(count), below(height - h + 1), below(width - w + 1), h, w, 0];
  });
  const edges = [
    [count - 1, 0, 0, height, width, 0],
    [0, height - 1, width - 1, 1, 1, 0],
    [0, 1, 0, 1, width, 0],
    [0, 0, 1, height, 1, 0],
  ];
  return [...edges, ...drawn].flat();
}

/** The same on the CPU, with the bytes of Pillow. */
function reference(set: ImageSet, boxes: readonly number[], size: number, filter: Filter): number[] {
  const { width, height } = set;
  const bytes = width * height * 3;
  const levels: number[] = [];
  for (let at = 0; at < boxes.length; at += BOX_WORDS) {
    const [picture, top, left, h, w] = boxes.slice(at) as [number, number, number, number, number];
    const pixels = set.pixels.subarray(picture * bytes, (picture + 1) * bytes);
    levels.push(...resize(crop({ width, height, pixels }, left, top, w, h), size, size, filter).pixels);
  }
  return levels;
}

test("a whole picture of the right size is itself, standardised", async () => {
  const set = pictures(3, 16, 16);
  const images = await DeviceImages.upload(on.device, set);
  for (const filter of ["bicubic", "bilinear"] as const) {
    const boxes = [...wholeBoxes([2, 0, 1], set)];
    const y = levelsOf(await cropped(images, boxes, { size: 16, filter }));
    const picture = (i: number) => [...set.pixels.subarray(i * 768, (i + 1) * 768)];
    expect(y).toEqual([2, 0, 1].flatMap(picture));
  }
  const [mean, std] = [[0.5, 0.25, 0.125] as const, [0.5, 0.25, 2] as const];
  const y = await cropped(images, [...wholeBoxes([0], set)], { size: 16, mean, std });
  const expected = Array.from(set.pixels.subarray(0, 768), (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!);
  expect(Math.max(...expected.map((v, i) => Math.abs(v - y[i]!)))).toBeLessThan(1e-6);
  images.dispose();
});

const cases: [number, number, number][] = [
  [32, 32, 32],
  [7, 5, 9],
  [64, 48, 16],
  [33, 65, 37],
  [100, 80, 7],
  [1, 1, 4],
];
for (const filter of ["bicubic", "bilinear", "lanczos"] as const) {
  test.each(cases)(`${filter} crops of %i x %i give Pillow's bytes at %i`, async (width, height, size) => {
    const set = pictures(4, width, height);
    const images = await DeviceImages.upload(on.device, set);
    const boxes = height === 1 ? [1, 0, 0, 1, 1, 0] : someBoxes(set, 28);
    const y = levelsOf(await cropped(images, boxes, { size, filter }));
    expect(y).toEqual(reference(set, boxes, size, filter));
    images.dispose();
  });
}

test("a flip mirrors the result", async () => {
  const set = pictures(2, 11, 13);
  const images = await DeviceImages.upload(on.device, set);
  const box = [1, 2, 3, 9, 7];
  const [plain, flipped] = [
    await cropped(images, [...box, 0], { size: 6 }),
    await cropped(images, [...box, 1], { size: 6 }),
  ];
  const mirrored = plain.map((_, i) => {
    const [row, column, channel] = [Math.floor(i / 18), Math.floor(i / 3) % 6, i % 3];
    return plain[row * 18 + (5 - column) * 3 + channel]!;
  });
  expect([...flipped]).toEqual([...mirrored]);
  expect([...flipped]).not.toEqual([...plain]);
  images.dispose();
});

test("the number of shards changes nothing, nor does the rest of the batch", async () => {
  const set = pictures(7, 9, 7); // 189 bytes each: pictures start inside of words
  const boxes = someBoxes(set, 20);
  const whole = await DeviceImages.upload(on.device, set);
  expect(whole.shards.tensors.length).toBe(1);
  const expected = [...(await cropped(whole, boxes, {}))];
  for (const [shardBytes, shards] of [
    [4 * 189, 2],
    [3 * 189 + 100, 3],
    [2 * 189, 4],
  ] as const) {
    const images = await DeviceImages.upload(on.device, set, shardBytes);
    expect(images.shards.tensors.length).toBe(shards);
    expect([...(await cropped(images, boxes, {}))]).toEqual(expected);
    images.dispose();
  }
  const last = await cropped(whole, boxes.slice(-BOX_WORDS), {});
  expect([...last]).toEqual(expected.slice(-last.length));
  whole.dispose();
});

test("boxes are data: a captured step cuts what they hold when it runs", async () => {
  const { device } = on;
  const set = pictures(5, 12, 10);
  const images = await DeviceImages.upload(device, set);
  const [first, second] = [someBoxes(set, 4), someBoxes(set, 4).reverse()];
  for (let at = 0; at < second.length; at += BOX_WORDS) second.splice(at, BOX_WORDS, 3, 1, 2, 6, 5, 1);
  const boxes = Tensor.from(device, first, [8, BOX_WORDS], "i32");
  const step = await compile(device, () => ({
    y: cropPictures(images.shards, boxes, { size: 8, ...PLAIN }),
  }));
  for (const words of [first, second, first]) {
    boxes.write(words);
    step.run();
    expect([...(await step.outputs.y.read())]).toEqual([...(await cropped(images, words, {}))]);
  }
  await step.dispose();
  images.dispose();
});

test("eager calls share one table of weights, which no tidy takes away", async () => {
  const { device } = on;
  const set = pictures(3, 17, 23);
  const images = await DeviceImages.upload(device, set);
  const boxes = Tensor.from(device, someBoxes(set, 4), [8, BOX_WORDS], "i32");
  const write = vi.spyOn(device, "write");
  const cut = (size: number) => device.tidy(() => cropPictures(images.shards, boxes, { size, ...PLAIN }));
  const first = await cut(6).read();
  expect(write).toHaveBeenCalledTimes(1);
  expect(await cut(6).read()).toEqual(first);
  expect(write).toHaveBeenCalledTimes(1);
  for (let size = 7; size < 12; size++) cut(size); // more than are kept
  expect(await cut(6).read()).toEqual(first);
  expect(write).toHaveBeenCalledTimes(7);
  write.mockRestore();
  images.dispose();
});

test("a table of weights that the adapter cannot bind is refused before it is made", () => {
  const { device } = on;
  const shards = {
    tensors: [Tensor.zeros(device, [1], "u32")],
    perShard: 1,
    count: 1,
    width: 100_000,
    height: 1,
  };
  const boxes = Tensor.zeros(device, [1, BOX_WORDS], "i32");
  expect(() => cropPictures(shards, boxes, { size: 4096, ...PLAIN })).toThrow(
    /^cropPictures: this adapter binds at most \d+ bytes at once; got sides up to 100000 resampled to 4096, a table of \d+\. Make the pictures smaller first$/,
  );
});

test("a box that is not inside of a picture gives NaN, the others are unharmed", async () => {
  const set = pictures(3, 6, 5);
  const images = await DeviceImages.upload(on.device, set);
  const good = [2, 0, 0, 5, 6, 0];
  const bad = [
    [3, 0, 0, 5, 6, 0],
    [0, 1, 0, 5, 6, 0],
    [0, 0, -1, 5, 6, 0],
    [0, 0, 0, 0, 6, 0],
    [0, 0, 4, 5, 3, 0],
  ];
  const y = await cropped(images, [...bad.flat(), ...good], { size: 4 });
  const badValues = bad.length * 48;
  expect(y.subarray(0, badValues).every((v) => Number.isNaN(v))).toBe(true);
  expect(levelsOf(y.subarray(badValues))).toEqual(reference(set, good, 4, "bicubic"));
  images.dispose();
});

test("labels go along; what does not fit is refused", async () => {
  const { device } = on;
  const set = pictures(9, 4, 4);
  const images = await DeviceImages.upload(device, set);
  expect([...(await images.labels.read())]).toEqual([2 ** 32 - 1, 0, 1, 2, 3, 4, 5, 6, 7]);
  await expect(DeviceImages.upload(device, set, 2 * 48)).rejects.toThrow(
    "must fit 4 buffers of 96 bytes, 8 pictures of 4 x 4; got 9, 432 bytes",
  );
  const boxes = (shape: number[], dtype: "u32" | "f32") => Tensor.zeros(device, shape, dtype);
  const cut = (rows: Tensor, size = 4) => cropPictures(images.shards, rows, { size, ...PLAIN });
  expect(() => cut(boxes([2, 5], "u32"))).toThrow("boxes must be [B, 6]; got [2,5]");
  expect(() => cut(boxes([2, 6], "f32"))).toThrow("got f32");
  expect(() => cut(boxes([2, 6], "u32"), 0)).toThrow("size must be a positive whole number; got 0");
});
