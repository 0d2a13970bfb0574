import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readIdx, readMnist } from "../../src/data/idx.ts";
import { dataFolder } from "./dataFolder.ts";

const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40); // [2, 1, 2]
const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 1);

test("an IDX array comes back plain and from gzip", async () => {
  expect(await readIdx("x", images)).toEqual({ shape: [2, 1, 2], values: Uint8Array.of(10, 20, 30, 40) });
  expect((await readIdx("x", gzipSync(images))).shape).toEqual([2, 1, 2]);
});

test("gray becomes RGB", async () => {
  const set = await readMnist(images, gzipSync(labels));
  expect({ width: set.width, height: set.height, labels: [...set.labels] }).toEqual({
    width: 2,
    height: 1,
    labels: [7, 1],
  });
  expect([...set.pixels]).toEqual([10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40]);
});

test("cut, foreign and mismatched files are refused", async () => {
  await expect(readIdx("t10k", images.subarray(0, 18))).rejects.toThrow(
    "t10k: needs 20 bytes (header 16, array [2, 1, 2]); got 18. The download was probably cut short",
  );
  await expect(readIdx("t10k", Uint8Array.of(1, 2, 3, 4))).rejects.toThrow(
    "must start with 0 0 8; got 1 2 3 4",
  );
  await expect(readIdx("t10k", images.subarray(0, 9))).rejects.toThrow(
    "header of rank 3 needs 16 bytes; got 9",
  );
  await expect(readIdx("t10k", gzipSync(images).subarray(0, 20))).rejects.toThrow("cannot be unpacked");
  await expect(readMnist(labels, images)).rejects.toThrow("Are both from the same split, and in this order?");
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
