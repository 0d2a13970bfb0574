/** Folders as a listing in memory, and a codec that needs no pictures. */
import type { Decoder } from "../../src/data/decode.ts";
import type { FolderEntry } from "../../src/data/folder.ts";
import type { Picture } from "../../src/data/resize.ts";

/** Stands for a codec: the file holds width, height and a gray value. */
export const toy: Decoder = (name, [width, height, gray]): Picture => {
  if (!width || !height) throw new Error(`decode: ${name} must be a toy picture; got nothing.`);
  return { width, height, pixels: new Uint8Array(width * height * 3).fill(gray!) };
};

/** A file with these bytes; a part of it, where no more is asked for. */
export const file = (path: string, bytes: Uint8Array): FolderEntry => ({
  path,
  read: async (most) => bytes.subarray(0, most),
});

/** A file with these bytes, one by one. */
export const entry = (path: string, ...bytes: number[]): FolderEntry => file(path, Uint8Array.from(bytes));

/** Toy pictures of 1 x 1, one for each path. `{a,b}` in a path stands for each of its parts. */
export const pictures = (...paths: string[]): FolderEntry[] =>
  paths.flatMap(expanded).map((path, i) => entry(path, 1, 1, i));

/** train/{a,b}/{1,2}.png -> train/a/1.png, train/a/2.png, train/b/1.png, train/b/2.png */
function expanded(path: string): string[] {
  const [whole, inside] = /\{([^}]*)\}/.exec(path) ?? [];
  return whole === undefined
    ? [path]
    : inside!.split(",").flatMap((part) => expanded(path.replace(whole, part)));
}
