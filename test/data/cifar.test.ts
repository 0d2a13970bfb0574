import { expect, test } from "vitest";
import { readCifar10, readCifar100 } from "../../src/data/cifar.ts";

/** A pixel value that tells image, channel, row and column apart. */
const value = (image: number, c: number, y: number, x: number): number =>
  (image * 71 + c * 53 + y * 7 + x) % 256;

/** Writes records as the binary version prescribes: label bytes, then R, G, B planes. */
function record(labels: number[], image: number): number[] {
  const bytes = [...labels];
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < 32; y++) for (let x = 0; x < 32; x++) bytes.push(value(image, c, y, x));
  }
  return bytes;
}

test("CIFAR-10 records over two files come back as interleaved pixels and labels", () => {
  const set = readCifar10([
    { name: "data_batch_1.bin", bytes: Uint8Array.from([...record([3], 0), ...record([9], 1)]) },
    { name: "data_batch_2.bin", bytes: Uint8Array.from(record([0], 2)) },
  ]);
  expect(set.count).toBe(3);
  expect([...set.labels]).toEqual([3, 9, 0]);
  expect(set.classes[3]).toBe("cat");
  for (const [image, c, y, x] of [
    [0, 0, 0, 0],
    [1, 2, 31, 30],
    [2, 1, 4, 17],
  ] as const) {
    expect(set.pixels[((image * 32 + y) * 32 + x) * 3 + c]).toBe(value(image, c, y, x));
  }
});

test("CIFAR-100 gives the fine or the coarse label", () => {
  const files = [{ name: "train.bin", bytes: Uint8Array.from(record([19, 99], 5)) }];
  expect([...readCifar100(files).labels]).toEqual([99]);
  expect([...readCifar100(files, { labels: "coarse" }).labels]).toEqual([19]);
  expect(readCifar100(files).pixels[1]).toBe(value(5, 1, 0, 0));
});

test("wrong files are named, with what was expected and the likely reason", () => {
  const whole = Uint8Array.from([...record([1], 0), ...record([2], 0)]);
  const read = (bytes: Uint8Array) => () => readCifar10([{ name: "data_batch_4.bin", bytes }]);
  expect(read(whole.subarray(0, 5000))).toThrow(
    "cifar10 data_batch_4.bin: needs a multiple of 3073 bytes (10000 records are 30730000); got 5000. " +
      "The download was probably cut short: fetch the file again.",
  );
  expect(read(new Uint8Array(0))).toThrow("The file is empty");
  expect(read(Uint8Array.of(0x1f, 0x8b, 8, 0))).toThrow("gzip-compressed: unpack it first");
  expect(read(new TextEncoder().encode("<html>"))).toThrow("check the download address");
  expect(read(Uint8Array.from(record([10], 0)))).toThrow("labels must be below 10; got 10 in record 0");
  expect(() => readCifar10([])).toThrow("needs at least one .bin file");
});
