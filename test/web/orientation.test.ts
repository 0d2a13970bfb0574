import { expect, test } from "vitest";
import type { Picture } from "../../src/data/resize.ts";
import { orientationOf, upright } from "../../web/orientation.ts";

/** A JPEG file's beginning, with its orientation in EXIF data of either byte order, behind a segment of another kind. */
function jpegWith(orientation: number, order: "II" | "MM"): Uint8Array {
  const u16 = (value: number) => (order === "II" ? [value & 255, value >> 8] : [value >> 8, value & 255]);
  const u32 = (value: number) => (order === "II" ? [...u16(value), 0, 0] : [0, 0, ...u16(value)]);
  const letters = (text: string) => [...text].map((letter) => letter.charCodeAt(0));
  const entry = (tag: number, value: number) => [...u16(tag), ...u16(3), ...u32(1), ...u16(value), 0, 0];
  const directory = [...u16(2), ...entry(0x0100, 640), ...entry(0x0112, orientation), ...u32(0)];
  const tiff = [...letters(order), ...u16(42), ...u32(8), ...directory];
  const exif = [...letters("Exif"), 0, 0, ...tiff];
  return Uint8Array.of(
    ...[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2],
    ...[0xff, 0xe1, (exif.length + 2) >> 8, (exif.length + 2) & 255, ...exif],
    ...[0xff, 0xda, 0, 2],
  );
}

test("the orientation is read in either byte order, and is 1 where none is said", () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    for (const order of ["II", "MM"] as const) {
      expect(orientationOf(jpegWith(orientation, order))).toBe(orientation);
    }
  }
  expect(orientationOf(jpegWith(9, "MM"))).toBe(1);
  expect(orientationOf(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10))).toBe(1);
  expect(orientationOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2))).toBe(1);
});

test("a file that is cut anywhere has an orientation, too", () => {
  const whole = jpegWith(6, "II");
  for (let length = 0; length < whole.length; length++) {
    expect([1, 6]).toContain(orientationOf(whole.subarray(0, length)));
  }
});

/** A picture of these letters, a letter a pixel and a line a row. */
const pictureOf = (...rows: string[]): Picture => ({
  width: rows[0]!.length,
  height: rows.length,
  pixels: Uint8Array.from([...rows.join("")].flatMap((letter) => [letter.charCodeAt(0), 0, 255])),
});

// What is seen is always the first row abc, the second def. TIFF 6.0 says where its row 0 and its column 0 are stored.
test.each([
  [1, ["abc", "def"]],
  [2, ["cba", "fed"]],
  [3, ["fed", "cba"]],
  [4, ["def", "abc"]],
  [5, ["ad", "be", "cf"]],
  [6, ["cf", "be", "ad"]],
  [7, ["fc", "eb", "da"]],
  [8, ["da", "eb", "fc"]],
])("orientation %i is turned upright", (orientation, stored) => {
  expect(upright(pictureOf(...stored), orientation)).toEqual(pictureOf("abc", "def"));
});
