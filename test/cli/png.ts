/** Small PNG files for tests, without filters. */
import { crc32, deflateSync } from "node:zlib";
import { PictureFile } from "../../src/data/pictureFile.ts";
import { decodePng } from "../../src/data/png.ts";
import type { Picture } from "../../src/data/resize.ts";

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const result = Buffer.alloc(body.length + 8);
  result.writeUInt32BE(data.length, 0);
  body.copy(result, 4);
  result.writeUInt32BE(crc32(body), body.length + 4);
  return result;
}

export interface PngKind {
  /** Bits of a sample (default 8). */
  depth?: number;
  /** PNG's colour type: 0 gray, 2 RGB, 3 palette. */
  type: number;
  /** RGB of each index. */
  palette?: readonly number[];
}

/** A file of these rows, each the bytes of its samples. */
export function pngOf(width: number, rows: readonly (readonly number[])[], kind: PngKind): Buffer {
  const { depth = 8, type, palette } = kind;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([depth, type], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    ...(palette ? [chunk("PLTE", Uint8Array.from(palette))] : []),
    chunk("IDAT", deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A picture of one colour. */
export function plainPng(width: number, height: number, rgb: readonly [number, number, number]): Buffer {
  const row = Array.from({ length: width }, () => rgb).flat();
  return pngOf(
    width,
    Array.from({ length: height }, () => row),
    { type: 2 },
  );
}

/** A mask of 8-bit labels, row by row. */
export const grayPng = (width: number, labels: readonly number[]): Buffer =>
  pngOf(
    width,
    Array.from({ length: labels.length / width }, (_, y) => labels.slice(y * width, (y + 1) * width)),
    { type: 0 },
  );

/** The picture in a file. */
export const pictureIn = (bytes: Uint8Array): Picture => decodePng(new PictureFile("sheet", bytes, "PNG"));
