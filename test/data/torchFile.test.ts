import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { toFloat32 } from "../../src/data/safetensors.ts";
import { isTorchFile, openTorchFile, type TensorFile } from "../../src/data/torchFile.ts";
import { sourceOf } from "../train/savedFile.ts";

const fileOf = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(new URL(`../parity/fixtures/dalle/${name}`, import.meta.url)));
const zipped = fileOf("encoder.pkl");
const legacy = fileOf("legacy.pkl");
const state = fileOf("state.pth");

async function valuesOf({ entries, tensor }: TensorFile): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const name of entries.keys()) values.set(name, toFloat32(await tensor(name)));
  return values;
}

test("a module of either container, and its state dict, have the same tensors by the same names", async () => {
  const [module, old, dict] = await Promise.all(
    [zipped, legacy, state].map(async (bytes) => {
      expect(isTorchFile(bytes.subarray(0, 4))).toBe(true);
      return openTorchFile(sourceOf(bytes));
    }),
  );
  expect(module!.entries.get("blocks.group_2.block_1.id_path.w")).toEqual({
    dtype: "F16",
    shape: [8, 4, 1, 1],
  });
  expect(old!.entries.get("blocks.input.w")).toEqual({ dtype: "F32", shape: [4, 3, 7, 7] });
  expect(module!.entries.size).toBe(42);
  const [halves, single] = [await valuesOf(module!), await valuesOf(old!)];
  expect(await valuesOf(dict!)).toEqual(halves);
  expect([...single.keys()]).toEqual([...halves.keys()]);
  for (const [name, values] of single) {
    const half = halves.get(name)!;
    expect(values).toHaveLength(half.length);
    // Half a unit in the last of 11 bits; subnormal below 2^-14.
    expect(values.every((x, i) => Math.abs(x - half[i]!) <= Math.max(2 ** -11 * Math.abs(x), 2 ** -25))).toBe(
      true,
    );
  }
  await expect(old!.tensor("w")).rejects.toThrow("openTorchFile: the file must hold w; got blocks.input.w,");
});

test("no more is read than names and the tensor that is asked for", async () => {
  for (const bytes of [zipped, state]) {
    const reads: number[] = [];
    const counted = {
      size: bytes.length,
      async read(at: number, n: number) {
        reads.push(n);
        return bytes.slice(at, at + n);
      },
    };
    const { tensor } = await openTorchFile(counted);
    const before = reads.length;
    await tensor("blocks.output.conv.w");
    // The header of its file, the file for its checksum, its values; another time the values alone.
    expect(reads.slice(before)).toEqual([30, 2 * 8 * 32, 2 * 8 * 32]);
    await tensor("blocks.output.conv.w");
    expect(reads.slice(before + 3)).toEqual([2 * 8 * 32]);
  }
});

/** The file with some bytes replaced; the text must be there once. */
function withOne(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const buffer = Buffer.from(bytes);
  const at = buffer.indexOf(from, 0, "latin1");
  expect([at >= 0, from.length]).toEqual([true, to.length]);
  buffer.write(to, at, "latin1");
  return Uint8Array.from(buffer);
}

test.each<[string, Uint8Array, RegExp]>([
  [
    "a zip cut at its end",
    zipped.subarray(0, 20_000),
    /readZip: byte 20000 must hold the end of a zip archive/,
  ],
  [
    "a zip damaged in its pickle",
    withOne(zipped, "_parameters", "_parametres"),
    /^readZip: byte 64 must hold encoder\/data\.pkl as it was written, CRC-32 \w{8}; got \w{8}\. Copy the file again$/,
  ],
  [
    "a zip damaged in its weights",
    withLastStorageDamaged(zipped),
    /^readZip: byte \d+ must hold encoder\/data\/41 as it was written, CRC-32 \w{8}; got \w{8}\. Copy the file again$/,
  ],
  [
    "a zip with a directory damaged",
    withOne(zipped, "PK\x01\x02", "PK\x01\x03"),
    /readZip: byte \d+ must hold an entry of the directory/,
  ],
  [
    "a zip without a pickle",
    withAll(zipped, "data.pkl", "data.txt"),
    /openTorchFile: the archive must hold data\.pkl; got encoder\/data\.txt,/,
  ],
  [
    "a zip without a storage",
    withAll(zipped, "encoder/data/41", "encoder/data/xy"),
    /encoder\/data\/41 must have 16 bytes, 8 of F16; got no such file/,
  ],
  [
    "an older file cut in its pickles",
    legacy.subarray(0, 9000),
    /readPickle: byte \d+ must hold .* got the end at 9000/,
  ],
  [
    "an older file cut in its values",
    legacy.subarray(0, 30_000),
    /openTorchFile: byte \d+ must begin storage \d+ of \d+ bytes; got the end at 30000/,
  ],
  [
    "a pickle of something else",
    Uint8Array.of(0x80, 2, 0x8a, 1, 5, 0x2e, 0x80, 2, 0x4b, 1, 0x2e),
    /a pickle must be one of torch\.save; got another/,
  ],
  [
    "code to call",
    withOne(legacy, "ctorch\ndevice\n", "cposix\nsystem\n"),
    /readPickle: byte \d+: a file of weights must hold tensors and modules alone; got posix\.system/,
  ],
  [
    "a class of no module",
    withAll(legacy, "cdall_e.utils\n", "cexotic.utils\n"),
    /got exotic\.utils\.Conv2d, which is not read/,
  ],
  [
    "a storage of no numbers",
    withAll(legacy, "FloatStorage", "QuIntStorage"),
    /must be a storage of numbers; got torch\.QuIntStorage/,
  ],
])("%s is refused", async (_, bytes, message) => {
  const opened = async () => valuesOf(await openTorchFile(sourceOf(bytes)));
  await expect(opened()).rejects.toThrow(message);
});

/** The file with one bit of its last storage changed, which lies behind its name and the padding after it. */
function withLastStorageDamaged(bytes: Uint8Array): Uint8Array {
  const [name, damaged] = ["encoder/data/41", Buffer.from(bytes)];
  const at = damaged.indexOf(name);
  const first = at + name.length + damaged.readUInt16LE(at - 2);
  damaged[first]! ^= 1;
  return Uint8Array.from(damaged);
}

test("an archive without checksums, whose fields for them are 0, is read as it is", async () => {
  const unchecked = Buffer.from(zipped);
  let files = 0;
  for (let at = unchecked.indexOf("PK\x01\x02"); at >= 0; at = unchecked.indexOf("PK\x01\x02", at + 4)) {
    unchecked.writeUInt32LE(0, at + 16);
    files++;
  }
  expect(files).toBeGreaterThan(42);
  const [read, checked] = await Promise.all(
    [unchecked, zipped].map(async (bytes) => valuesOf(await openTorchFile(sourceOf(Uint8Array.from(bytes))))),
  );
  expect(read).toEqual(checked);
});

/** The same, as often as the text is there. */
function withAll(bytes: Uint8Array, from: string, to: string): Uint8Array {
  return Uint8Array.from(Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll(from, to), "latin1"));
}

/** A file of the older container whose one tensor, of 2 x 3 values, lies in a storage of 1, 2, ... 8; opcodes as in pickle.test.ts. */
function strided(offset: number, strides: [number, number], claimed = 8): Uint8Array {
  const text = (word: string): Buffer =>
    Buffer.concat([Buffer.from(["X".charCodeAt(0), word.length, 0, 0, 0]), Buffer.from(word)]);
  const letters = (word: string): Buffer => Buffer.from(word, "latin1");
  const numbers = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [0x4b, value]));
  const dict = (key: string, value: Buffer): Buffer =>
    Buffer.concat([letters("}"), text(key), value, letters("s")]);
  const storage = [
    letters("("),
    text("storage"),
    letters("ctorch\nFloatStorage\n"),
    text("0"),
    text("cpu"),
    numbers(claimed),
    letters("NtQ"),
  ];
  const tensor = Buffer.concat([
    letters("ctorch._utils\n_rebuild_tensor_v2\n("),
    ...[
      ...storage,
      numbers(offset),
      numbers(2, 3),
      letters("\x86"),
      numbers(...strides),
      letters("\x86\x89)tR"),
    ],
  ]);
  const pickles = [
    letters("\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"),
    letters("M\xe9\x03"),
    dict("little_endian", letters("\x88")),
    dict("t", tensor),
    Buffer.concat([letters("]"), text("0"), letters("a")]),
  ].flatMap((pickle) => [letters("\x80\x02"), pickle, letters(".")]);
  const values = Float32Array.from({ length: 8 }, (_, i) => i + 1);
  return Buffer.concat([...pickles, Buffer.from(BigUint64Array.of(8n).buffer), Buffer.from(values.buffer)]);
}

const stridedValues = async (...given: Parameters<typeof strided>) => {
  const { tensor } = await openTorchFile(sourceOf(Uint8Array.from(strided(...given))));
  return [...toFloat32(await tensor("t"))];
};

test("a tensor may lie in its storage in any order", async () => {
  expect(await stridedValues(0, [3, 1])).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await stridedValues(1, [1, 2])).toEqual([2, 4, 6, 3, 5, 7]);
  expect(await stridedValues(2, [0, 2])).toEqual([3, 5, 7, 3, 5, 7]);
});

test("a tensor must lie within its storage, and that in the file", async () => {
  await expect(stridedValues(3, [3, 1])).rejects.toThrow(
    /readPickle: byte \d+: a tensor must lie within its storage of 8 values; got \[2,3\] from 3 on, strides \[3,1\]/,
  );
  await expect(stridedValues(0, [3, 1], 7)).rejects.toThrow(/byte \d+ must say 7 values of storage 0; got 8/);
  await expect(stridedValues(0, [3, 1], 9)).rejects.toThrow(/must begin storage 0 of 36 bytes; got the end/);
});
