import { beforeAll, expect, test } from "vitest";
import { crc32 } from "../../src/data/crc32.ts";
import type { Decoder } from "../../src/data/decode.ts";
import { inNodeAlone } from "../inNodeAlone.ts";
import { openDecoder } from "./codec.ts";
import {
  chunkAt,
  fileOf,
  markerAt,
  names,
  type PictureName,
  pillow,
  scanDataAt,
  splice,
} from "./pictures.ts";

let decode: Decoder;
beforeAll(async () => {
  decode = await openDecoder();
});

/** Decodes and reduces to what the fixtures hold. */
const read = (name: string, file: Uint8Array) => {
  const { width, height, pixels } = decode(name, file);
  return { width, height, crc: crc32(pixels) };
};

/** Kinds that are not read, and what is said of them. */
const REFUSED: Partial<Record<PictureName, string>> = {
  "arithmetic.jpg":
    "decode: arithmetic.jpg must be a JPEG of a kind that is read (sequential or progressive, 8 bits a sample, " +
    "Huffman codes); got arithmetic coding. Convert it, or leave it out.",
  "animation.webp":
    "decode: animation.webp must be a WebP of a kind that is read (one picture); got an animation. " +
    "Convert it, or leave it out.",
};

test("the checksum that pictures are compared by is CRC-32", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});

test("every picture becomes what Pillow makes of it, to the byte", () => {
  const readable = names.filter((name) => !(name in REFUSED));
  expect(readable.length).toBeGreaterThan(35);
  for (const name of readable) expect(read(name, fileOf(name)), name).toEqual(pillow(name));
});

// Whose slices share their memory; browsers have no Buffer.
inNodeAlone(() =>
  test("a file in Node's Buffer stays as it was", () => {
    const file = fileOf("420.jpg");
    // What some cameras write at the end of the scan's header, and the decoder is given otherwise.
    const odd = Buffer.from(splice(file, scanDataAt(file) - 3, 3, 0, 0, 0));
    const before = Uint8Array.from(odd);
    expect(read("420.jpg", odd)).toEqual(pillow("420.jpg"));
    expect(Uint8Array.from(odd)).toEqual(before);
  }),
);

test("kinds that are not read are named", () => {
  for (const [name, message] of Object.entries(REFUSED))
    expect(() => decode(name, fileOf(name as PictureName)), name).toThrow(message);
  const twelveBits = fileOf("420.jpg");
  twelveBits[markerAt(twelveBits, 0xc0) + 4] = 12;
  expect(() => decode("deep.jpg", twelveBits)).toThrow("got 12 bits a sample. Convert it");
  const apple = fileOf("alpha.png");
  const cgbi = splice(
    apple,
    8,
    0,
    0,
    0,
    0,
    4,
    0x43,
    0x67,
    0x42,
    0x49,
    0x50,
    0,
    0x20,
    2,
    0x2b,
    0xd5,
    0xb3,
    0x7f,
  );
  expect(() => decode("apple.png", cgbi)).toThrow("got a chunk CgBI that changes pixels");
});

/** Files that say something odd which costs no pixel: what they are made of, and how. */
const ODD: Record<string, [PictureName, (file: Uint8Array) => Uint8Array]> = {
  "a JFIF version of the future": ["420.jpg", (file) => splice(file, markerAt(file, 0xe0) + 9, 1, 4)],
  "stray bytes before a marker": [
    "420.jpg",
    (file) => splice(file, markerAt(file, 0xdb), 0, 1, 2, 3, 255, 0, 4),
  ],
  "stray bytes in a CMYK file": ["cmyk.jpg", (file) => splice(file, markerAt(file, 0xdb), 0, 1, 2, 3, 4, 5)],
  "fill bytes before markers": ["progressive.jpg", (file) => splice(file, file.length - 2, 0, 255, 255)],
  "fill bytes in a CMYK file": ["cmykRestart.jpg", (file) => splice(file, file.length - 2, 0, 255, 255)],
  "a restart marker after the last block": [
    "cmyk.jpg",
    (file) => splice(file, file.length - 2, 0, 255, 0xd0),
  ],
  "the band that some Samsung phones write": [
    "420.jpg",
    (file) => splice(file, markerAt(file, 0xda) + 11, 1, 0),
  ],
  "no marker of Adobe in a CMYK file": ["cmyk.jpg", (file) => splice(file, markerAt(file, 0xee), 16)],
  "an unknown colour transform": ["ycck.jpg", (file) => splice(file, markerAt(file, 0xee) + 15, 1, 7)],
  "text after the end": [
    "scans.jpg",
    (file) => Uint8Array.of(...file, ...new TextEncoder().encode("<!-- -->")),
  ],
  "a second JPEG after the end": ["420.jpg", (file) => Uint8Array.of(...file, ...file)],
  "a broken colour profile": [
    "filters.png",
    (file) => splice(file, 33, 0, 0, 0, 0, 4, 0x69, 0x43, 0x43, 0x50, 120, 0, 0, 9, 1, 2, 3, 4),
  ],
  "no end chunk": ["interlaced.png", (file) => file.subarray(0, chunkAt(file, "IEND"))],
  "an end chunk cut in two": ["interlaced.png", (file) => file.subarray(0, file.length - 6)],
  "zeros after a PNG": ["fixed.png", (file) => Uint8Array.of(...file, ...new Uint8Array(99))],
  "zeros after a WebP": ["lossy.webp", (file) => Uint8Array.of(...file, ...new Uint8Array(99))],
};

test("oddities that cost no pixel are read over", () => {
  for (const [what, [name, change]] of Object.entries(ODD))
    expect(read(what, change(fileOf(name))), what).toEqual(pillow(name));
});

test("files of other formats are named for what they are", () => {
  const of = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const says = (file: string, message: string) => expect(() => decode("a.jpg", of(file))).toThrow(message);
  const must = "decode: a.jpg must be a JPEG, PNG or WebP file; got ";
  says("GIF89a", `${must}a GIF. Convert it, or leave it out.`);
  says("BM6$", `${must}a BMP. Convert it`);
  says("II*\0", `${must}a TIFF. Convert it`);
  says("\0\0\0\x20ftypavif", `${must}an AVIF. Convert it`);
  says("", `${must}an empty file. Fetch the file again`);
  says("<!DOCTYPE html>", `${must}a web page. Check the address it came from`);
  says("version https://git-lfs.github.com/spec/v1", `${must}a Git LFS pointer. Run git lfs pull`);
  says("\0\x05\x16\x07\0\x02", `${must}macOS's notes about a file. Delete it`);
  says("\0asm\x01", `${must}5 bytes that start with 00 61 73 6d. Convert it`);
});
