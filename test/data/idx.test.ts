import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readIdx } from "../../src/data/idx.ts";

const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40); // [2, 1, 2]

test("an IDX array comes back plain and from gzip", async () => {
  expect(await readIdx("x", images)).toEqual({ shape: [2, 1, 2], values: Uint8Array.of(10, 20, 30, 40) });
  expect((await readIdx("x", gzipSync(images))).shape).toEqual([2, 1, 2]);
});

test("int32 values are big-endian", async () => {
  const { shape, values } = await readIdx(
    "x",
    Uint8Array.of(0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 1, 2, 255, 255, 255, 255),
  );
  expect([shape, ...values]).toEqual([[2], 258, -1]);
});

test("cut and foreign files are refused", async () => {
  await expect(readIdx("t10k", images.subarray(0, 18))).rejects.toThrow(
    "t10k: needs 20 bytes (header 16, array [2, 1, 2]); got 18. The download was probably cut short",
  );
  await expect(readIdx("t10k", Uint8Array.of(1, 2, 3, 4))).rejects.toThrow(
    "must start with 0 0 8 (bytes) or 0 0 12 (int32); got 1 2 3 4",
  );
  await expect(readIdx("t10k", images.subarray(0, 9))).rejects.toThrow(
    "header of rank 3 needs 16 bytes; got 9",
  );
  await expect(readIdx("t10k", gzipSync(images).subarray(0, 20))).rejects.toThrow("cannot be unpacked");
  const little = Uint8Array.of(0, 0, 8, 1, 2, 0, 0, 0, 7, 1);
  await expect(readIdx("t10k", little)).rejects.toThrow("must be big-endian; got little-endian [2]");
});
