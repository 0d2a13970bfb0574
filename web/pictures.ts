import { creatures } from "../src/data/creatures/creatures.ts";
import { KINDS } from "../src/data/creatures/kinds.ts";
import { createDecoder, type Decoder } from "../src/data/decode.ts";
import { readImageFolder } from "../src/data/imageFolder.ts";
import type { ImageSet } from "../src/data/images.ts";
import { orientationOf, upright } from "./orientation.ts";

/** The built-in set: its labels are coats and body plans, for the method that learns from labels. */
const KIND = "creatures-coat";
export const BUILT_IN_CLASSES = KINDS[KIND].classes.length;

/** The built-in creatures. */
export const builtIn = (count: number, side: number): ImageSet =>
  creatures({ kind: KIND, count, size: side });

/** The person's own JPEG, PNG and WebP files, upright as their cameras say, scaled and cut to squares, without labels. */
export async function ownPictures(
  files: readonly File[],
  side: number,
  onProgress: (done: number, total: number) => void,
): Promise<ImageSet> {
  const asStored = await createDecoder({
    jpeg: await fetchBytes("mozjpeg_dec.wasm"),
    webp: await fetchBytes("webp_dec.wasm"),
  });
  const decode: Decoder = (name, file) => upright(asStored(name, file), orientationOf(file));
  const entries = files.map((file) => ({
    path: `pictures/${file.name}`,
    read: async () => new Uint8Array(await file.arrayBuffer()),
  }));
  const set = await readImageFolder(entries, { decode, name: "your pictures", imageSize: side, onProgress });
  return { ...set, labels: set.labels.map(() => -1), classes: [] }; // chosen files are in no folders, which would be classes
}

/** Side of the pictures that are searched, for the eye: encoders see them smaller. */
const SHOWN_SIDE = 192;
const SHOWN_CREATURES = 12;
/** As many pictures as a page can show at once. */
const MOST_SHOWN = 48;

/** Some built-in creatures to search; another number gives others, which no training has seen. */
export const creaturesToSearch = (turn: number): ImageSet =>
  creatures({
    kind: KIND,
    count: SHOWN_CREATURES,
    size: SHOWN_SIDE,
    split: "test",
    first: turn * SHOWN_CREATURES,
  });

/** The person's own pictures, to search. Throws one sentence that names what is none. */
export function picturesToSearch(files: readonly File[]): Promise<ImageSet> {
  const other = files.find(({ name }) => !/\.(jpe?g|png|webp)$/i.test(name));
  if (other) {
    throw new Error(
      `${other.name}: must be a JPEG, PNG or WebP picture, or an encoder, which ends in .safetensors. Convert it`,
    );
  }
  if (files.length > MOST_SHOWN) {
    throw new Error(`your pictures: at most ${MOST_SHOWN} are searched at once; got ${files.length}`);
  }
  return ownPictures(files, SHOWN_SIDE, () => {});
}

/** A file that the build puts beside this bundle. */
async function fetchBytes(name: string): Promise<Uint8Array> {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: the server must have it; got status ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}
