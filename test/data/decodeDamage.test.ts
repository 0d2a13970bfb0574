import { beforeAll, expect, test } from "vitest";
import { crc32 } from "../../src/data/crc32.ts";
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

test("a JPEG with changed data that no longer fits its blocks is refused by name", () => {
  for (const name of ["444.jpg", "progressive.jpg", "cmyk.jpg", "cmykProgressive.jpg"] as const) {
    const file = fileOf(name);
    const from = scanDataAt(file);
    let tried = 0;
    let refused = 0;
    for (let at = from; at < file.length - 2; at += 5) {
      tried++;
      const broken = file.slice();
      broken[at]! ^= 0x55;
      try {
        decode("a/file", broken);
      } catch (error) {
        refused++;
        expect((error as Error).message).toMatch(/^decode: a\/file must be a /);
      }
    }
    // a JPEG has no checksum: data that fill as many blocks with as many bytes are unlike others in nothing
    expect(refused / tried, name).toBeGreaterThan(0.2);
  }
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

/** A PNG whose chunk `name` is changed, with a CRC that fits. */
function withChunk(file: Uint8Array, name: string, change: (content: Uint8Array) => Uint8Array): Uint8Array {
  const at = chunkAt(file, name);
  const end = at + 12 + new DataView(file.buffer).getUint32(at);
  const content = change(file.slice(at + 8, end - 4));
  const chunk = Uint8Array.of(0, 0, 0, 0, ...file.subarray(at + 4, at + 8), ...content, 0, 0, 0, 0);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length);
  view.setUint32(chunk.length - 4, crc32(chunk.subarray(4, -4)));
  return splice(file, at, end - at, ...chunk);
}

test("a PNG's checksums are held to, each by itself", () => {
  const file = fileOf("filters.png");
  const end = chunkAt(file, "IEND");
  expect(reason(splice(file, end - 1, 1, file[end - 1]! ^ 1))).toBe("a wrong CRC in IDAT");
  const adler = withChunk(file, "IDAT", (data) => splice(data, data.length - 1, 1, data.at(-1)! ^ 1));
  expect(reason(adler)).toBe("a wrong Adler-32");
  expect(
    decode(
      "same",
      withChunk(file, "IDAT", (data) => data),
    ),
  ).toEqual(decode("same", file));
});

test("a PNG holds as many rows as it says, or more", () => {
  const sized = (height: number) =>
    withChunk(fileOf("filters.png"), "IHDR", (header) => splice(header, 7, 1, height));
  expect(decode("less", sized(12)).height).toBe(12);
  expect(reason(sized(14))).toBe("832 bytes of pixels, not 896");
  const short = withChunk(fileOf("palette4.png"), "PLTE", (palette) => palette.subarray(0, 30));
  expect(reason(short)).toBe("a colour beyond the palette");
});

/** The size that a file's header says, big-endian at `at`. */
const says = (file: Uint8Array, at: number, ...bytes: number[]) => splice(file, at, bytes.length, ...bytes);

test("a bomb is refused by its header, in no time", () => {
  const jpeg = fileOf("420.jpg");
  const frame = markerAt(jpeg, 0xc0) + 5;
  const progressive = fileOf("progressive.jpg");
  const cmyk = fileOf("cmyk.jpg");
  const png = (width: number, height: number) =>
    withChunk(fileOf("gray8.png"), "IHDR", (header) =>
      says(header, 0, 0, 0, width >> 8, width & 255, 0, 0, height >> 8, height & 255),
    );
  const webp = fileOf("lossless.webp");
  const bombs: [Uint8Array, string][] = [
    [says(jpeg, frame, 0x4e, 0x20, 0x4e, 0x20), "178956970 pixels; its header says 20000 x 20000"],
    [says(jpeg, frame, 0x2e, 0xe0, 0x2e, 0xe0), "where 12000 x 12000 need 843750 at least"],
    [says(progressive, markerAt(progressive, 0xc2) + 5, 0x2e, 0xe0, 0x2e, 0xe0), "need 421875 at least"],
    [says(cmyk, markerAt(cmyk, 0xc0) + 5, 0x2e, 0xe0, 0x2e, 0xe0), "need 2250000 at least"],
    [png(30000, 30000), "178956970 pixels; its header says 30000 x 30000"],
    [png(12000, 12000), "too few for 12000 x 12000"],
    [says(webp, 21, 0xff, 0xff, 0xff, 0x0f), "178956970 pixels; its header says 16384 x 16384"],
  ];
  for (const [file, message] of bombs) {
    const start = performance.now();
    expect(() => decode("bomb", file), message).toThrow(message);
    expect(performance.now() - start, message).toBeLessThan(500);
  }
});

test("as many failures as one likes leave the decoder as it was", () => {
  const good: PictureName[] = ["420.jpg", "progressive.jpg", "cmyk.jpg", "filters.png", "lossy.webp"];
  const before = good.map((name) => decode(name, fileOf(name)));
  const jpeg = fileOf("420.jpg");
  const at = markerAt(jpeg, 0xdb);
  const noTables = splice(jpeg, at, markerAt(jpeg, 0xc0) - at); // libjpeg gives up with all its memory taken
  const webp = fileOf("lossy.webp");
  const broken = splice(webp, 20, 20, ...new Uint8Array(20).fill(0xff));
  const png = fileOf("filters.png");
  for (let i = 0; i < 120; i++) {
    expect(reason(noTables)).toMatch(/Quantization table/);
    expect(() => decode("broken.webp", broken)).toThrow("broken.webp");
    for (let k = 0; k < 3; k++) reason(png.subarray(0, png.length >> 1));
  }
  expect(good.map((name) => decode(name, fileOf(name)))).toEqual(before);
});
