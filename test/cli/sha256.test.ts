import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { asUsage, UsageError } from "../../src/cli/system/errors.ts";
import { sha256Of, updateInPieces } from "../../src/cli/system/sha256.ts";

test("pixels of 2 GiB and more come to a hash in pieces that it takes, every byte once", () => {
  const pixels = new Uint8Array(2 ** 31 + 3); // never touched, so it takes no memory
  const pieces: Uint8Array[] = [];
  updateInPieces({ update: (piece) => pieces.push(piece as Uint8Array) as never }, pixels);
  expect(pieces.map(({ byteOffset, length }) => [byteOffset, length])).toEqual([
    [0, 2 ** 30],
    [2 ** 30, 2 ** 30],
    [2 ** 31, 3],
  ]);
});

test("the digest is that of all bytes", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
  expect(sha256Of(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
  expect(sha256Of(new Uint8Array(0))).toBe(createHash("sha256").digest("hex"));
});

test("what the user's input is to blame for is misuse, a fault of the program is not", async () => {
  const thrownBy = (action: () => unknown) => asUsage(action).catch((error: unknown) => error);
  const coded = Object.assign(new Error("data is too long"), { code: "ERR_OUT_OF_RANGE" });
  for (const fault of [() => new Uint8Array(-1), () => new Array(-1)]) {
    expect(await thrownBy(fault)).not.toBeInstanceOf(UsageError);
  }
  expect(await thrownBy(() => Promise.reject(coded))).toBe(coded);
  expect(await thrownBy(() => new Uint8Array(2 ** 53))).toMatchObject({
    name: "UsageError",
    message: "the pictures or the model do not fit this machine's memory; use fewer or smaller ones",
  });
  expect(await thrownBy(() => Promise.reject(new Error("a sentence")))).toBeInstanceOf(UsageError);
});
