import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { beforeAll, expect, test } from "vitest";
import type { Decoder } from "../../src/data/decode.ts";
import type { FolderEntry } from "../../src/data/folder.ts";
import { readImageFolder } from "../../src/data/imageFolder.ts";
import { openDecoder } from "./codec.ts";
import { archiveEntries, dataFolder } from "./dataFolder.ts";
import { entry, toy } from "./listed.ts";

let decode: Decoder;
beforeAll(async () => {
  decode = await openDecoder();
});

test("classes are the folders in alphabetical order, whatever the listing's order", async () => {
  const entries = [
    entry("zebra/2.png", 2, 2, 3),
    entry("readme.txt", 0),
    entry("ant/deep/1.JPEG", 2, 2, 1),
    entry("zebra/1.jpg", 2, 2, 2),
  ];
  const set = await readImageFolder(entries, { decode: toy });
  expect(set.classes).toEqual(["ant", "zebra"]);
  expect([...set.labels]).toEqual([0, 1, 1]);
  expect([0, 12, 24].map((at) => set.pixels[at])).toEqual([1, 2, 3]);
});

test("splits share their classes, and the listing may start with the folder's own name", async () => {
  const entries = [
    entry("set/train/b/1.jpg", 1, 1, 1),
    entry("set/train/a/1.jpg", 1, 1, 2),
    entry("set/val/b/1.jpg", 1, 1, 9),
  ];
  const val = await readImageFolder(entries, { decode: toy, split: "val" });
  expect([val.classes, [...val.labels], val.pixels[0]]).toEqual([["a", "b"], [1], 9]);
  await expect(readImageFolder(entries, { decode: toy })).rejects.toThrow("Name the split to read");
  await expect(readImageFolder(entries, { decode: toy, split: "test" })).rejects.toThrow(
    "splits: train, val",
  );
  await expect(readImageFolder([], { decode: toy })).rejects.toThrow("got 0 pictures among 0 files");
});

test("other sizes are scaled and cropped, or refused where no size is set", async () => {
  const entries = [entry("a/1.jpg", 4, 4, 5), entry("a/2.jpg", 9, 30, 6)];
  const set = await readImageFolder(entries, { decode: toy, imageSize: 4 });
  expect([set.width, set.height, set.pixels[48], set.pixels[95]]).toEqual([4, 4, 6, 6]);
  await expect(readImageFolder(entries, { decode: toy })).rejects.toThrow(
    "all pictures must be 4 x 4 as the first; got 9 x 30 in a/2.jpg. Set imageSize.",
  );
});

test("more pixels than memory holds are refused after the first picture, with how many may be read", async () => {
  const large = Array.from({ length: 22_018 }, (_, i) => entry(`${10_000 + i}.jpg`, 255, 255, 1));
  const read: string[] = [];
  const decode: Decoder = (path, bytes) => {
    read.push(path);
    return toy(path, bytes);
  };
  const named = { decode, name: "large" };
  await expect(readImageFolder(large, { ...named, imageSize: 255 })).rejects.toThrow(
    /^large: the pixels must take at most 4294967296 bytes; 22018 pictures of 255 x 255 need 4295161350\. Use --limit 22017 or less, or a smaller --data-size$/,
  );
  await expect(readImageFolder(large, named)).rejects.toThrow(
    "large: without imageSize 22018 pictures must fit in one array; as large as the first, 255 x 255, they do not. Set imageSize.",
  );
  expect(read).toEqual(["10000.jpg", "10000.jpg"]);
});

test("the first picture is the first by name, however late its file arrives", async () => {
  const late: FolderEntry = {
    path: "a/1.jpg",
    read: () => new Promise((resolve) => setTimeout(resolve, 20, Uint8Array.of(4, 4, 5))),
  };
  await expect(readImageFolder([entry("a/2.jpg", 9, 30, 6), late], { decode: toy })).rejects.toThrow(
    "all pictures must be 4 x 4 as the first; got 9 x 30 in a/2.jpg.",
  );
});

test("reading stays within the limit, reports progress and honours maxPerClass", async () => {
  let open = 0;
  let most = 0;
  const slow = (path: string): FolderEntry => ({
    path,
    async read() {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 1));
      open--;
      return Uint8Array.of(1, 1, 7);
    },
  });
  const entries = Array.from({ length: 20 }, (_, i) =>
    slow(`${i % 2 ? "a" : "b"}/${String(i).padStart(2, "0")}.jpg`),
  );
  const progress: number[] = [];
  const onProgress = (done: number, total: number) => progress.push(done / total);
  const set = await readImageFolder(entries, { decode: toy, concurrency: 3, maxPerClass: 6, onProgress });
  expect(most).toBe(3);
  expect(set.count).toBe(12);
  expect(progress).toEqual(Array.from({ length: 12 }, (_, i) => (i + 1) / 12));
});

test("a broken file is named and stops the reading", async () => {
  let reads = 0;
  const entries = Array.from({ length: 50 }, (_, i) => ({
    path: `a/${String(i).padStart(2, "0")}.jpg`,
    read: async () => {
      reads++;
      return i === 3 ? Uint8Array.of() : Uint8Array.of(1, 1, 7);
    },
  }));
  await expect(readImageFolder(entries, { decode: toy, concurrency: 2 })).rejects.toThrow("a/03.jpg");
  expect(reads).toBeLessThan(10);
});

test("real CIFAR-10 files in folders", async (context) => {
  const entries = archiveEntries(dataFolder(context), "cifar10-jpeg.tar.gz");
  const set = await readImageFolder(entries, { decode, split: "test", maxPerClass: 20 });
  expect([set.count, set.width, set.height]).toEqual([200, 32, 32]);
  expect(set.classes).toEqual("airplane automobile bird cat deer dog frog horse ship truck".split(" "));
  const mean = set.pixels.reduce((a, b) => a + b, 0) / set.pixels.length / 255;
  expect(mean).toBeGreaterThan(0.4); // the whole set has 0.473
  expect(mean).toBeLessThan(0.55);
});

test("real Tiny-ImageNet files, some of them gray, at another size", async (context) => {
  const entries = archiveEntries(dataFolder(context), "tiny-imagenet-sub.tar.gz");
  const set = await readImageFolder(entries, { decode, split: "val", maxPerClass: 2, imageSize: 48 });
  expect([set.count, set.classes.length, set.width]).toEqual([400, 200, 48]);
  expect(set.classes[0]).toBe("n01443537"); // goldfish: Tiny-ImageNet's first wnid
  const gray = Array.from({ length: set.count }, (_, i) =>
    set.pixels.subarray(i * 6912, (i + 1) * 6912),
  ).filter((picture) => picture.every((x, i) => x === picture[i - (i % 3)]));
  expect(gray.length).toBeGreaterThan(0);
  expect(gray.length).toBeLessThan(40); // about 2 % of the files
});

test("a whole file of the codec's own package is no picture", () => {
  const path = createRequire(import.meta.url).resolve("@jsquash/webp/codec/dec/webp_dec.wasm");
  expect(() => decode("codec.wasm", readFileSync(path))).toThrow(
    /^decode: codec.wasm must be a JPEG, PNG or WebP file; got \d+ bytes that start with 00 61 73 6d/,
  );
});
