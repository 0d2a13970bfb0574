import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadPair, loadSplit } from "../../src/cli/pictures/datasets.ts";
import { UsageError } from "../../src/cli/system/errors.ts";
import { openDecoder } from "../data/codec.ts";
import { dataFolder } from "../data/dataFolder.ts";
import { grayPng, plainPng } from "./png.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "partwise-data-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const drawn = { drawnSize: 16, decoder: openDecoder };

/** Writes files below the test's folder and gives the set's path. */
function write(set: string, files: Record<string, Uint8Array | string>): string {
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(folder, set, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  return join(folder, set);
}

/** `count` records: label bytes, then pixels of one value. */
const records = (labels: number[][], size: number, value = 9): Uint8Array =>
  Uint8Array.from(labels.flatMap((label) => [...label, ...new Array<number>(size).fill(value)]));

const idx = (shape: number[], values: number[]): Uint8Array =>
  Uint8Array.from([0, 0, 8, shape.length, ...shape.flatMap((n) => [0, 0, 0, n]), ...values]);

test("creatures are drawn at the model's size, or the one asked for", async () => {
  const train = await loadSplit({ data: "creatures", limit: 20 }, "train", drawn);
  expect(train).toMatchObject({ name: "creatures-train", count: 20, width: 16, height: 16 });
  const held = await loadSplit({ data: "creatures", limit: 10, size: 24 }, "test", drawn);
  expect(held).toMatchObject({ name: "creatures-test", count: 10, width: 24 });
});

test("CIFAR-10 is told by its files and read in order, up to the limit", async () => {
  const data = write("cifar10", {
    "data_batch_2.bin": records([[3]], 3072),
    "data_batch_1.bin": records([[1], [2]], 3072),
    "test_batch.bin": records([[9]], 3072),
  });
  const train = await loadSplit({ data }, "train", drawn);
  expect([train.name, train.width, ...train.labels]).toEqual(["cifar10", 32, 1, 2, 3]);
  expect([...(await loadSplit({ data, limit: 2 }, "train", drawn)).labels]).toEqual([1, 2]);
  const small = await loadSplit({ data, size: 8 }, "test", drawn);
  expect([small.width, small.pixels.length, small.pixels.every((p) => p === 9)]).toEqual([8, 192, true]);
});

test("CIFAR-100 takes its fine names from the folder", async () => {
  const names = Array.from({ length: 100 }, (_, i) => `name${i}`).join("\n");
  const data = write("cifar100", {
    "train.bin": records([[4, 42]], 3072),
    "fine_label_names.txt": `${names}\n`,
  });
  const { labels, classes } = await loadSplit({ data }, "train", drawn);
  expect(classes[labels[0]!]).toBe("name42");
});

test("STL-10 and IDX find their labels beside them", async () => {
  const stl = write("stl", { "train_X.bin": records([[], []], 27_648), "train_y.bin": Uint8Array.of(10, 1) });
  expect([...(await loadSplit({ data: stl }, "train", drawn)).labels]).toEqual([9, 0]);
  const mnist = write("mnist", {
    "train-images-idx3-ubyte.gz": gzipSync(idx([2, 1, 1], [5, 6])),
    "train-labels-idx1-ubyte": idx([2], [3, 4]),
  });
  const set = await loadSplit({ data: mnist }, "train", drawn);
  expect([...set.labels, ...set.pixels]).toEqual([3, 4, 5, 5, 5, 6, 6, 6]);
  await expect(loadSplit({ data: mnist }, "test", drawn)).rejects.toThrow(UsageError);
});

test("an image folder gives both splits; a limit keeps every class", async () => {
  const files: Record<string, Uint8Array> = {};
  for (const [c, name] of ["ant", "bee", "cow"].entries()) {
    for (let i = 0; i < 4; i++) files[`train/${name}/${i}.png`] = plainPng(4, 4, [c, i, 0]);
    files[`val/${name}/0.png`] = plainPng(4, 4, [c, 0, 9]);
  }
  const data = write("folder", files);
  const train = await loadSplit({ data }, "train", drawn);
  expect([train.name, train.count]).toEqual(["folder-train", 12]);
  expect([...(await loadSplit({ data, limit: 3 }, "train", drawn)).labels]).toEqual([0, 1, 2]);
  expect([...(await loadSplit({ data, limit: 5 }, "train", drawn)).labels]).toEqual([0, 0, 1, 1, 2]);
  const val = await loadSplit({ data, size: 2 }, "test", drawn);
  expect([val.name, val.width, val.pixels.at(-1), ...val.labels]).toEqual(["folder-val", 2, 9, 0, 1, 2]);
});

test("pictures of different sizes become squares of the size that is given for them, others stay", async () => {
  const data = write("mixed", {
    "train/a/1.png": plainPng(8, 4, [1, 2, 3]),
    "train/a/2.png": plainPng(4, 4, [1, 2, 3]),
    "train/b/1.png": plainPng(4, 4, [1, 2, 3]),
    "train/b/2.gif": "GIF89a",
    "test/a/1.png": plainPng(8, 4, [1, 2, 3]),
  });
  const notes: string[] = [];
  const how = { ...drawn, mixedSize: 6, note: (sentence: string) => notes.push(sentence) };
  expect(await loadSplit({ data }, "train", how)).toMatchObject({ width: 6, height: 6, count: 3 });
  expect(notes).toHaveLength(1); // though it was read twice
  expect(await loadSplit({ data }, "test", how)).toMatchObject({ width: 8, height: 4 });
  expect(await loadSplit({ data, size: 5 }, "train", how)).toMatchObject({ width: 5 });
  await expect(loadSplit({ data }, "train", drawn)).rejects.toThrow("Add --data-size.");
});

test("folders of classes alone are for training", async () => {
  const data = write("flat", { "a/1.png": plainPng(2, 2, [1, 2, 3]), "b/1.png": plainPng(2, 2, [1, 2, 3]) });
  expect(await loadSplit({ data }, "train", drawn)).toMatchObject({ name: "flat", count: 2 });
  await expect(loadSplit({ data }, "test", drawn)).rejects.toThrow(
    /must hold test\/<class>\/ or val\/<class>\/ for this; got neither/,
  );
});

test("a pair for an evaluation: both splits with what is left out, or a sentence", async () => {
  const picture = plainPng(2, 2, [1, 2, 3]);
  const data = write("pair", {
    "train/a/1.png": picture,
    "train/b/1.png": picture,
    "test/b/1.png": picture,
    "test/c/1.png": picture,
    "test/c/2.gif": "GIF89a",
  });
  symlinkSync("gone.png", join(data, "train/a/2.png"));
  const notes: string[] = [];
  const note = (sentence: string) => notes.push(sentence);
  const { train, test } = await loadPair({ data }, () => ({ ...drawn, note }));
  expect([...train.labels, ...test.labels]).toEqual([0, 1, 1, 2]);
  expect(notes.slice(0, -1).map((text) => text.replace(data, "@"))).toEqual([
    "@: 1 entry left out that cannot be opened (train/a/2.png)",
    "@: 1 entry left out that cannot be opened (train/a/2.png)",
    "pair-test: 1 picture is left out, in formats that are not read (.gif 1): convert to JPEG, PNG or WebP",
  ]);
  expect(notes.at(-1)).toMatch(/^pair-test: 1 of 2 pictures are of classes without training pictures \(c\)/);
  const flat = write("unlabelled", { "train/1.png": picture, "test/1.png": picture });
  await expect(loadPair({ data: flat }, () => drawn)).rejects.toThrow(UsageError);
});

test("the parts of a folder's pictures are a set of their own", async () => {
  const mask = (label: number) => grayPng(4, [0, 0, 0, 0, 0, 1, label, 0]);
  const picture = plainPng(4, 2, [1, 2, 3]);
  const data = write("parts", {
    "images/train/1.png": picture,
    "images/train/2.png": picture,
    "images/val/3.png": picture,
    "masks/train/1.png": mask(2),
    "masks/train/2.png": mask(3),
    "masks/val/3.png": mask(2),
    "classes.txt": "1 head\n2 tail\n3 wing\n",
  });
  const parts = { side: "text", above: 20 } as const;
  const { train, test } = await loadPair({ data, parts }, () => drawn);
  expect([train.name, train.width, ...train.labels]).toEqual(["parts-parts-train", 16, 0, 1, 0, 2]);
  expect([test.name, ...test.labels, ...test.classes]).toEqual([
    "parts-parts-test",
    0,
    1,
    "head",
    "tail",
    "wing",
  ]);
  const few = await loadSplit(
    { data, limit: 2, size: 8, parts: { ...parts, names: ["wing", "head"] } },
    "train",
    drawn,
  );
  expect([few.width, ...few.labels]).toEqual([8, 1, 0]);
  await expect(loadSplit({ data: "creatures", parts }, "train", drawn)).rejects.toThrow(
    "--parts cuts up the pictures of a folder; got creatures. Name creatures-parts",
  );
});

test("training pictures alone may be the middle of larger ones, as in the official part classification", async () => {
  const choice = { data: "creatures-coat-parts", limit: 3 };
  const { train, test } = await loadPair(choice, (split) => ({
    ...drawn,
    ...(split === "train" && { resize: 20 }),
  }));
  const larger = await loadSplit({ ...choice, size: 20 }, "train", drawn);
  expect([train.width, train.height, ...train.labels]).toEqual([16, 16, ...larger.labels]);
  const middle = Array.from({ length: train.count * 16 }, (_, at) => {
    const [picture, row] = [Math.floor(at / 16), at % 16];
    const from = 3 * (20 * (20 * picture + row + 2) + 2);
    return [...larger.pixels.subarray(from, from + 3 * 16)];
  });
  expect([...train.pixels]).toEqual(middle.flat());
  expect(train.pixels).not.toEqual((await loadSplit(choice, "train", drawn)).pixels);
  expect(test).toEqual(await loadSplit(choice, "test", drawn));
});

test("the MNIST test set", async (context) => {
  const data = join(dataFolder(context), "mnist-t10k");
  const set = await loadSplit({ data, limit: 100 }, "test", drawn);
  expect([set.count, set.width, ...set.labels.subarray(0, 5)]).toEqual([100, 28, 7, 2, 1, 0, 4]);
});
