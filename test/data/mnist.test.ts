import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readDataSet } from "../../src/data/dataSet.ts";
import { readMnist } from "../../src/data/mnist.ts";
import { dataFolder } from "./dataFolder.ts";
import { file, toy } from "./listed.ts";

const idx = (type: number, shape: number[], bytes: number[]): Uint8Array =>
  Uint8Array.from([0, 0, type, shape.length, ...shape.flatMap((n) => [0, 0, 0, n]), ...bytes]);
/** Big-endian int32 below 256. */
const int32 = (...values: number[]): number[] => values.flatMap((value) => [0, 0, 0, value]);

const images = idx(8, [2, 1, 2], [10, 20, 30, 40]);
const labels = idx(8, [2], [7, 1]);

/** Reads a folder of these files, for training. */
const read = (files: Record<string, Uint8Array>) =>
  readDataSet(
    Object.entries(files).map(([name, bytes]) => file(name, bytes)),
    { split: "train", name: "set", path: "set", openDecoder: async () => toy },
  );

test("gray becomes RGB", async () => {
  const set = await readMnist(images, gzipSync(labels));
  expect({ width: set.width, height: set.height, labels: [...set.labels] }).toEqual({
    width: 2,
    height: 1,
    labels: [7, 1],
  });
  expect([...set.pixels]).toEqual([10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40]);
});

test("mismatched files and foreign labels are refused", async () => {
  await expect(readMnist(labels, images)).rejects.toThrow("Are both from the same split, and in this order?");
  await expect(readMnist(images, idx(8, [2], [7, 10]))).rejects.toThrow(
    "labels must be 0 to 9 for its 10 classes; got 10 for picture 1. Is it the label file of this set",
  );
  await expect(readMnist(images, idx(12, [2], [1, 0, 0, 0, 2, 0, 0, 0]))).rejects.toThrow(
    "got 16777216 for picture 0",
  );
});

test("labels may be int32, and QMNIST's are rows with the class first", async () => {
  const set = await readMnist(images, idx(12, [2], int32(7, 1)));
  expect([...set.labels]).toEqual([7, 1]);
  const qmnist = await read({
    "qmnist-train-images-idx3-ubyte.gz": gzipSync(images),
    "qmnist-train-labels-idx2-int.gz": gzipSync(
      idx(12, [2, 8], int32(7, 1, 9, 9, 9, 9, 9, 9, 4, 1, 9, 9, 9, 9, 9, 9)),
    ),
  });
  expect([...qmnist.labels]).toEqual([7, 4]);
});

test("EMNIST's pictures are turned upright and its letters start at 1", async () => {
  const tall = idx(8, [1, 2, 3], [1, 2, 3, 4, 5, 6]); // the columns of a picture of 3 rows and 2 columns
  const letters = await read({
    "emnist-letters-train-images-idx3-ubyte": tall,
    "emnist-letters-train-labels-idx1-ubyte": idx(8, [1], [26]),
  });
  expect([letters.width, letters.height, letters.classes[letters.labels[0]!]]).toEqual([2, 3, "z"]);
  expect([...letters.pixels].filter((_, i) => i % 3 === 0)).toEqual([1, 4, 2, 5, 3, 6]);
  await expect(
    read({
      "emnist-letters-train-images-idx3-ubyte": tall,
      "emnist-letters-train-labels-idx1-ubyte": idx(8, [1], [0]),
    }),
  ).rejects.toThrow("labels must be 1 to 26 for its 26 classes; got 0");
});

test.each([
  ["balanced", 47, 46, "t"],
  ["bymerge", 47, 35, "Z"],
  ["byclass", 62, 36, "a"],
  ["digits", 10, 9, "9"],
  ["mnist", 10, 0, "0"],
])("EMNIST %s has %i classes", async (set, count, label, name) => {
  const { classes, labels } = await read({
    [`emnist-${set}-train-images-idx3-ubyte`]: idx(8, [1, 1, 1], [5]),
    [`emnist-${set}-train-labels-idx1-ubyte`]: idx(8, [1], [label]),
  });
  expect([classes.length, classes[labels[0]!]]).toEqual([count, name]);
});

test("several EMNIST sets in one folder are refused", async () => {
  const files = {
    "emnist-letters-train-images-idx3-ubyte": images,
    "emnist-digits-train-images-idx3-ubyte": images,
  };
  await expect(read(files)).rejects.toThrow("got digits, letters. Move one into a folder of its own");
});

test("the MNIST test set", async (context) => {
  const folder = join(dataFolder(context), "mnist-t10k");
  const set = await readMnist(
    readFileSync(join(folder, "t10k-images-idx3-ubyte.gz")),
    readFileSync(join(folder, "t10k-labels-idx1-ubyte")),
  );
  expect([set.count, set.height, set.width]).toEqual([10_000, 28, 28]);
  expect([...set.labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]); // known from every tutorial
  const perClass = set.classes.map((_, c) => set.labels.filter((label) => label === c).length);
  expect(perClass).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
});
