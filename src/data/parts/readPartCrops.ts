import { balanced } from "../balanced.ts";
import type { ReadOptions } from "../dataFormat.ts";
import type { Decoder } from "../decode.ts";
import { eachAtMost } from "../eachAtMost.ts";
import { type FolderEntry, folderOf } from "../folder.ts";
import { nameSome } from "../folderLayout.ts";
import { checkImageSet } from "../images.ts";
import type { PartCropOptions, PartCrops } from "../partCrops.ts";
import {
  cutSquare,
  type LeftOut,
  nothingLeftOut,
  type PartSquare,
  pointSquares,
  regionSquares,
} from "../partSquares.ts";
import { type Picture, resize } from "../resize.ts";
import type { AnnotatedPicture, PartAnnotations } from "./partFormat.ts";
import { PART_FORMATS } from "./partFormats.ts";

export interface ReadPartCropsOptions extends Omit<ReadOptions, "imageSize">, Omit<PartCropOptions, "parts"> {
  /** Parts that count, in the order of the labels; those of the paper by default, or all where it has none of the set. */
  parts?: readonly string[] | "all";
}

/** A picture with the squares that are cut from it. */
interface Cut extends Pick<AnnotatedPicture, "file" | "annotated"> {
  squares: PartSquare[];
}

/**
 * Reads a split of a folder of annotated pictures as a set of crops, each labelled by its part: around keypoints by the rule
 * of the paper, otherwise the square around an outlined part. `limit` is the number of crops. Pictures are decoded a few at a
 * time and only the crops are kept; a copy of a picture in another size than it was annotated in is cut to scale.
 * What is wrong with the folder is one sentence, and so is, to `note`, what gave no crop.
 */
export async function readPartCrops(
  entries: readonly FolderEntry[],
  options: ReadPartCropsOptions,
): Promise<PartCrops> {
  const { path, split, name, limit, openDecoder, size = 224, filter = "bicubic", onProgress } = options;
  const folder = folderOf(entries);
  const format = PART_FORMATS.find(({ isIn }) => isIn(folder));
  if (!format) {
    const names = PART_FORMATS.map((known) => known.name).join(", ");
    throw new Error(
      `${path}: must hold pictures with annotated parts in a format of ${names}; got none of them`,
    );
  }
  const annotations = await format.read(folder, options);
  const parts = partsAsked(annotations, options);
  const cuts = cutsOf(annotations, parts, options);
  const labels = cuts.flatMap(({ squares }) => squares.map(({ part }) => part));
  if (labels.length === 0)
    throw new Error(`${path}: must hold a part to ${split} that can be cut out; got none`);
  const chosen = new Set(balanced(labels, limit ?? labels.length));
  const bytes = size * size * 3;
  const pixels = new Uint8Array(chosen.size * bytes);
  const work = inOrder(cuts, chosen);
  let done = 0;
  const decode: Decoder = await openDecoder();
  await eachAtMost(8, work, async ({ file, annotated, squares, first }) => {
    const picture = decode(file.path, await file.read());
    const scale = annotated ? scaleOf(file, picture, annotated) : 1;
    for (const [i, square] of squares.entries()) {
      pixels.set(resize(cutSquare(picture, square, scale), size, size, filter).pixels, (first + i) * bytes);
    }
    onProgress?.(++done, work.length);
  });
  return {
    ...checkImageSet({
      name: `${name}-parts-${split}`,
      width: size,
      height: size,
      count: chosen.size,
      pixels,
      labels: Int32Array.from(work.flatMap(({ squares }) => squares.map(({ part }) => part))),
      classes: parts,
    }),
    pictures: Int32Array.from(work.flatMap(({ squares, picture }) => squares.map(() => picture))),
  };
}

/** The parts that count, as names. */
function partsAsked({ partNames, usual }: PartAnnotations, { parts, path }: ReadPartCropsOptions): string[] {
  const asked = parts === "all" ? partNames : (parts ?? usual ?? partNames);
  const unknown = asked.filter((part) => !partNames.includes(part));
  if (unknown.length > 0 || new Set(asked).size < Math.max(2, asked.length)) {
    const got = unknown.length > 0 ? nameSome(unknown) : asked.join(", ") || "none";
    throw new Error(`${path}: parts must be two or more of ${nameSome(partNames, 20)}; got ${got}`);
  }
  return [...asked];
}

/** The squares of each picture that has any, after the rule; what gives none is told. */
function cutsOf(
  { partNames, pictures }: PartAnnotations,
  parts: string[],
  options: ReadPartCropsOptions,
): Cut[] {
  const { side = "text", above = 20, path, note } = options;
  const place = partNames.map((name) => parts.indexOf(name));
  const asked = <P extends { part: number }>(places: readonly P[]): P[] =>
    places.flatMap((one) => (place[one.part]! < 0 ? [] : [{ ...one, part: place[one.part]! }]));
  const leftOut = nothingLeftOut();
  let found = 0;
  const cuts = pictures.flatMap((picture) => {
    const [points, regions] = [asked(picture.points), asked(picture.regions)];
    found += points.length + regions.length;
    const squares = [...pointSquares(points, { side, above }, leftOut), ...regionSquares(regions, leftOut)];
    return squares.length > 0 ? [{ ...picture, squares }] : [];
  });
  const reasons = reasonsOf(leftOut, above);
  if (reasons.length > 0)
    note?.(`${path}: of ${found} parts to ${options.split} no crop is cut of ${reasons.join(" and ")}`);
  return cuts;
}

const reasonsOf = ({ alone, near, empty }: LeftOut, above: number): string[] => [
  ...(near > 0 ? [`${near} whose nearest neighbour is not between ${2 * above} and 2000 pixels away`] : []),
  ...(alone > 0 ? [`${alone} without a neighbour`] : []),
  ...(empty > 0 ? [`${empty} without a pixel`] : []),
];

/** The chosen squares by picture, with the place of each picture's first one in the set. */
function inOrder(
  cuts: readonly Cut[],
  chosen: ReadonlySet<number>,
): (Cut & { first: number; picture: number })[] {
  let square = 0;
  let first = 0;
  return cuts.flatMap((cut, picture) => {
    const squares = cut.squares.filter(() => chosen.has(square++));
    const here = { ...cut, squares, first, picture };
    first += squares.length;
    return squares.length > 0 ? [here] : [];
  });
}

/** How much larger a file is than the picture that was annotated. Throws where it has another shape. */
function scaleOf(file: FolderEntry, picture: Picture, annotated: { width: number; height: number }): number {
  const { width, height } = picture;
  const scale = width / annotated.width;
  if (Math.abs(annotated.height * scale - height) <= 1 + scale) return scale;
  throw new Error(
    `${file.path}: must be ${annotated.width} x ${annotated.height} as it was annotated, or a scaled copy; got ${width} x ${height}`,
  );
}
