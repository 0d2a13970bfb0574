import type { Decoder } from "../decode.ts";
import { eachAtMost } from "../eachAtMost.ts";
import { type FolderEntry, folderOf } from "../folder.ts";
import { checkImageSet, checkPixelBytes, type ImageSet } from "../images.ts";
import { type Filter, fitSquare, roundHalfEven } from "../resize.ts";
import { partFormatOf, partsAsked } from "./findParts.ts";
import { IGNORED, type LabelMask } from "./labelMask.ts";
import type { ReadPartsOptions } from "./partFormat.ts";
import { scaleOf } from "./scaleOf.ts";

export interface ReadPartMasksOptions extends ReadPartsOptions {
  /** The set's name. */
  name: string;
  /** Parts that count, in the order of the labels; all of the set's by default. */
  parts?: readonly string[] | "all";
  /** At most this many pictures, the first that have a part. */
  limit?: number;
  /** Side of the square pictures (default 224). */
  size?: number;
  filter?: Filter;
  openDecoder: () => Promise<Decoder>;
}

/** Pictures with their parts pixel by pixel, for part segmentation. N = count, S = side. The labels of pictures are -1. */
export interface PartMaskSet extends ImageSet {
  /** [N, S, S], 0 where there is no part, otherwise index in `partNames` + 1, or IGNORED where it is not known. */
  partMask: Uint16Array;
  partNames: readonly string[];
}

/**
 * Reads a split of a folder of pictures whose parts are outlined: the middle square of every picture that has one of the
 * parts, the shorter side scaled to `size`, and the labels of the nearest pixels. Pictures are decoded a few at a time.
 */
export async function readPartMasks(
  entries: readonly FolderEntry[],
  options: ReadPartMasksOptions,
): Promise<PartMaskSet> {
  const { path, split, name, limit, size = 224, filter = "bicubic", openDecoder, onProgress } = options;
  const folder = folderOf(entries);
  const asked = { ...options, parts: options.parts ?? "all", outlines: true };
  const annotations = await partFormatOf(folder, path).read(folder, asked);
  const partNames = partsAsked(annotations, asked, 1);
  const place = annotations.partNames.map((part) => partNames.indexOf(part) + 1);
  const work = annotations.pictures.flatMap(({ file, regions, mask }) =>
    mask && regions.some(({ part }) => place[part]! > 0) ? [{ file, mask }] : [],
  );
  if (work.length === 0)
    throw new Error(`${path}: must hold a picture to ${split} with an outlined part; got none`);
  const count = Math.min(work.length, limit ?? work.length);
  checkPixelBytes(path, count, { width: size, height: size });
  const pixels = new Uint8Array(count * size * size * 3);
  const partMask = new Uint16Array(count * size * size);
  let done = 0;
  const decode = await openDecoder();
  await eachAtMost(8, work.slice(0, count), async ({ file, mask }, i) => {
    const picture = decode(file.path, await file.read());
    const annotated = await mask();
    scaleOf(file, picture, annotated); // refuses a picture of another shape than its mask
    const square = fitSquare(picture, size, filter);
    pixels.set(square.pixels, i * square.pixels.length);
    const labels = nearestSquare(annotated, size);
    partMask.set(
      labels.map((label) => (label === IGNORED ? IGNORED : (place[label - 1] ?? 0))),
      i * labels.length,
    );
    onProgress?.(++done, count);
  });
  const labels = new Int32Array(count).fill(-1);
  const set = {
    name: `${name}-masks-${split}`,
    width: size,
    height: size,
    count,
    pixels,
    labels,
    classes: [],
  };
  return { ...checkImageSet(set), partMask, partNames };
}

/** The labels at the middles of the pixels that `fitSquare` makes of a picture of the mask's shape -> [size, size]. */
export function nearestSquare({ width, height, labels }: LabelMask, size: number): Uint16Array {
  const short = Math.min(width, height);
  const sides = [width, height].map((side) => Math.floor((size * side) / short));
  const [left, top] = sides.map((side) => roundHalfEven((side - size) / 2));
  const at = (i: number, from: number, scaled: number, side: number): number =>
    Math.min(side - 1, Math.floor(((i + from + 0.5) * side) / scaled));
  const square = new Uint16Array(size * size);
  for (let y = 0; y < size; y++) {
    const row = at(y, top!, sides[1]!, height) * width;
    for (let x = 0; x < size; x++) square[y * size + x] = labels[row + at(x, left!, sides[0]!, width)]!;
  }
  return square;
}
