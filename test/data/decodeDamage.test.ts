import { beforeAll, expect, test } from "vitest";
import type { Decoder } from "../../src/data/decode.ts";
import { openDecoder } from "./codec.ts";
import { chunkAt, fileOf, markerAt, names, type PictureName, scanDataAt, splice } from "./pictures.ts";

let decode: Decoder;
beforeAll(async () => {
  decode = await openDecoder();
});

/** Decodes a damaged file, which must be refused by name; the reason that is given. */
function reason(file: Uint8Array, what = "x"): string {
  try {
    decode("a/file", file);
  } catch (error) {
    const { message } = error as Error;
    const [, why] =
      /^decode: a\/file must be a whole \w+ file; got \d+ bytes with "(.*)"\. Fetch/.exec(message) ?? [];
    expect(why, `${what}: ${message}`).toBeDefined();
    return why!;
  }
  throw new Error(`reason: ${what} must be refused; it was read.`);
}

const readable = names.filter((name) => name !== "arithmetic.jpg" && name !== "animation.webp");

test("no picture is read that was cut anywhere, whatever harmless oddity comes before", () => {
  for (const name of readable) {
    const whole = fileOf(name);
    const last = name.endsWith(".png") ? chunkAt(whole, "IEND") : whole.length;
    for (let length = 30; length < last; length += 7)
      reason(whole.subarray(0, length), `${name} cut at ${length}`);
  }
  const future = splice(fileOf("420.jpg"), 11, 1, 4);
  const stray = splice(future, markerAt(future, 0xdb), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  for (const file of [future, stray]) {
    reason(file.subarray(0, file.length >> 1));
    const end = file.length >> 1; // and the same with an end marker, where a repair tool put one
    reason(Uint8Array.of(...file.subarray(0, end), 0xff, 0xd9));
  }
});

test("bytes that a JPEG's decoder could not use are lost data", () => {
  const jpegs: PictureName[] = [
    "420.jpg",
    "gray.jpg",
    "progressive.jpg",
    "restart.jpg",
    "cmyk.jpg",
    "cmykProgressive.jpg",
  ];
  for (const name of jpegs) {
    const file = fileOf(name);
    const longer = splice(file, file.length - 2, 0, 1, 2, 3, 4, 5, 6, 7, 8);
    expect(reason(longer, name)).toMatch(/extraneous bytes before marker 0xd9|data left after the picture/);
    const future = name.startsWith("cmyk") ? longer : splice(longer, 11, 1, 4);
    expect(reason(future, name)).toMatch(/extraneous bytes|data left/);
  }
});

test("a lost restart marker, a lost scan and a lost component are seen", () => {
  for (const name of ["restart.jpg", "cmykRestart.jpg"] as const) {
    const file = fileOf(name);
    const at = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xd1);
    reason(splice(file, at, 2), name);
  }
  const scans = (file: Uint8Array) =>
    [...file.keys()].filter((i) => file[i] === 0xff && file[i + 1] === 0xda);
  for (const name of ["progressive.jpg", "ycckProgressive.jpg", "scans.jpg", "cmykScans.jpg"] as const) {
    const file = fileOf(name);
    const without = Uint8Array.of(...file.subarray(0, scans(file).at(-1)), 0xff, 0xd9);
    expect(reason(without, name)).toMatch(/^(missing scans|no data) of colour component \d$/);
  }
});

test("a JPEG with changed data is refused or was not changed where it is decoded", () => {
  const file = fileOf("444.jpg");
  const from = scanDataAt(file);
  let refused = 0;
  for (let at = from; at < file.length - 2; at++) {
    const broken = file.slice();
    broken[at]! ^= 0x55;
    try {
      decode("a/file", broken);
    } catch (error) {
      refused++;
      expect((error as Error).message).toMatch(/^decode: a\/file must be a whole JPEG file/);
    }
  }
  // a JPEG has no checksum: what still decodes to exactly as many blocks in exactly as many bytes goes unseen
  expect(refused / (file.length - 2 - from)).toBeGreaterThan(0.5);
});

test("no changed byte of a PNG's data, palette or header passes", () => {
  for (const name of ["filters.png", "palette4.png", "interlaced1.png", "stored.png"] as const) {
    const file = fileOf(name);
    for (let at = 8; at < chunkAt(file, "IEND"); at++) {
      const broken = file.slice();
      broken[at]! ^= 0x10;
      expect(() => decode("a/file", broken), `${name}, byte ${at}`).toThrow(/^decode: a\/file must /);
    }
  }
});

test("a PNG's checksums are held to", () => {
  const file = fileOf("filters.png");
  const [data, end] = [chunkAt(file, "IDAT"), chunkAt(file, "IEND")];
  expect(reason(splice(file, end - 1, 1, file[end - 1]! ^ 1))).toBe("a wrong CRC in IDAT");
  const adler = fileOf("stored.png");
  const at = chunkAt(adler, "IEND") - 5;
  adler[at]! ^= 1;
  expect(reason(adler)).toBe("a wrong CRC in IDAT");
  expect(data).toBe(33);
});
