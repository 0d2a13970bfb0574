/** Small picture files made by make_pictures.py, and what is done to them. */
import table from "./fixtures/pictures.json";

export type PictureName = keyof typeof table;

/** What Pillow makes of a file: its size, and the CRC-32 of its pixels as RGB. */
export const pillow = (name: PictureName): { width: number; height: number; crc: number } => {
  const { size, crc } = table[name];
  return { width: size[0]!, height: size[1]!, crc };
};

export const names = Object.keys(table) as PictureName[];

export const fileOf = (name: PictureName): Uint8Array =>
  Uint8Array.from(atob(table[name].file), (letter) => letter.charCodeAt(0));

/** A file with `length` bytes at `at` replaced by `bytes`. */
export const splice = (file: Uint8Array, at: number, length: number, ...bytes: number[]): Uint8Array =>
  Uint8Array.of(...file.subarray(0, at), ...bytes, ...file.subarray(at + length));

/** Where a JPEG's first marker of this kind begins. */
export function markerAt(file: Uint8Array, marker: number): number {
  for (let at = 2; file[at] === 0xff; at += 2 + file[at + 2]! * 256 + file[at + 3]!)
    if (file[at + 1] === marker) return at;
  throw new Error(`markerAt: the file must have marker ${marker.toString(16)}; got none.`);
}

/** Where the data of a JPEG's first scan begin. */
export function scanDataAt(file: Uint8Array): number {
  const at = markerAt(file, 0xda);
  return at + 2 + file[at + 2]! * 256 + file[at + 3]!;
}

/** Where a PNG's chunk begins, with its length. */
export function chunkAt(file: Uint8Array, name: string): number {
  for (
    let at = 8;
    at < file.length;
    at += 12 + (((file[at + 1]! << 16) | (file[at + 2]! << 8)) + file[at + 3]!)
  )
    if (String.fromCharCode(...file.subarray(at + 4, at + 8)) === name) return at;
  throw new Error(`chunkAt: the file must have a chunk ${name}; got none.`);
}
