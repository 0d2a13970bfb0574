import { balanced } from "../balanced.ts";
import type { Decoder } from "../decode.ts";
import { eachAtMost } from "../eachAtMost.ts";
import type { FolderEntry } from "../folder.ts";
import { checkImageSet, checkPixelBytes } from "../images.ts";
import type { PartCropOptions, PartCrops } from "../partCrops.ts";
import { cutSquare } from "../partSquares.ts";
import { resize } from "../resize.ts";
import { checkFrame } from "./checkFrame.ts";
import { type FindPartsOptions, findParts, type PictureWithParts } from "./findParts.ts";
import { scaleOf } from "./scaleOf.ts";

export interface ReadPartCropsOptions extends FindPartsOptions, Pick<PartCropOptions, "size" | "filter"> {
  /** The set's name. */
  name: string;
  /** At most this many crops, as many of each part as of the others. */
  limit?: number;
  /** Supplies the picture codec. */
  openDecoder: () => Promise<Decoder>;
}

/**
 * Reads a split of a folder of annotated pictures as a set of crops, each labelled by its part; see `findParts`. Pictures are
 * decoded a few at a time and only the crops are kept; a copy of a picture in another size than it was annotated in is cut to
 * scale, and one whose annotations lie outside of it is refused.
 */
export async function readPartCrops(
  entries: readonly FolderEntry[],
  options: ReadPartCropsOptions,
): Promise<PartCrops> {
  const { path, split, name, limit, openDecoder, size = 224, filter = "bicubic", onProgress } = options;
  const { parts, pictures } = await findParts(entries, options);
  const labels = labelsOf(pictures);
  if (labels.length === 0) {
    throw new Error(`${path}: must hold a part to ${split} that can be cut out; got none`);
  }
  const chosen = new Set(balanced(labels, limit ?? labels.length));
  checkPixelBytes(path, chosen.size, { width: size, height: size });
  const bytes = size * size * 3;
  const pixels = new Uint8Array(chosen.size * bytes);
  const work = inOrder(pictures, chosen);
  let done = 0;
  const decode = await openDecoder();
  await eachAtMost(8, work, async (found) => {
    const { file, annotated, squares, first } = found;
    const picture = decode(file.path, await file.read());
    const scale = annotated ? scaleOf(file, picture, annotated) : 1;
    checkFrame(found, picture, scale);
    for (const [i, square] of squares.entries()) {
      pixels.set(resize(cutSquare(picture, square, scale), size, size, filter).pixels, (first + i) * bytes);
    }
    onProgress?.(++done, work.length);
  });
  const set = checkImageSet({
    name: `${name}-parts-${split}`,
    width: size,
    height: size,
    count: chosen.size,
    pixels,
    labels: labelsOf(work),
    classes: parts,
  });
  return {
    ...set,
    pictures: Int32Array.from(work.flatMap(({ squares, index }) => squares.map(() => index))),
  };
}

const labelsOf = (pictures: readonly PictureWithParts[]): Int32Array =>
  Int32Array.from(pictures.flatMap(({ squares }) => squares.map(({ part }) => part)));

/** The chosen squares by picture, with the picture's index and the place of its first crop in the set. */
function inOrder(pictures: readonly PictureWithParts[], chosen: ReadonlySet<number>) {
  let square = 0;
  let first = 0;
  return pictures.flatMap((picture, index) => {
    const squares = picture.squares.filter(() => chosen.has(square++));
    const here = { ...picture, squares, first, index };
    first += squares.length;
    return squares.length > 0 ? [here] : [];
  });
}
