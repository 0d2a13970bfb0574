import { type Folder, type FolderEntry, folderOf } from "../folder.ts";
import { refuseAbove } from "../folderAbove.ts";
import { nameSome } from "../folderLayout.ts";
import type { PartCropOptions } from "../partCrops.ts";
import {
  type LeftOut,
  nothingLeftOut,
  type PartSquare,
  pointSquares,
  regionSquares,
} from "../partSquares.ts";
import {
  type AnnotatedPicture,
  askedNames,
  type PartAnnotations,
  type PartFormat,
  type ReadPartsOptions,
} from "./partFormat.ts";
import { PART_FORMATS } from "./partFormats.ts";

/** Which parts are looked for, and by which rule squares around them are cut; see `PartCropOptions`. */
export interface FindPartsOptions extends ReadPartsOptions, Pick<PartCropOptions, "side" | "above"> {
  /** Parts that count, in the order of the labels; those of the paper by default, or all where it has none of the set. */
  parts?: readonly string[] | "all";
}

/** A picture with the squares that are to be cut from it. */
export interface PictureWithParts extends Pick<AnnotatedPicture, "file" | "annotated" | "box"> {
  squares: PartSquare[];
}

export interface FoundParts {
  /** The parts that count, as the labels of squares index them. */
  parts: string[];
  /** Those pictures that have a square at all. */
  pictures: PictureWithParts[];
}

/**
 * Finds what is to be cut out of the pictures of a split, in any of the formats of the table, before one of them is decoded:
 * squares around keypoints by the rule of the paper, otherwise the squares around outlined parts.
 * What is wrong with the folder is one sentence, and so is, to `note`, what gave no square.
 */
export async function findParts(
  entries: readonly FolderEntry[],
  options: FindPartsOptions,
): Promise<FoundParts> {
  const folder = folderOf(entries);
  const annotations = await partFormatOf(folder, options.path).read(folder, options);
  const parts = partsAsked(annotations, options, 2);
  return { parts, pictures: squaresOf(annotations, parts, options) };
}

/** The format of a folder. */
export function partFormatOf(folder: Folder, path: string): PartFormat {
  const format = PART_FORMATS.find(({ isIn }) => isIn(folder));
  if (format) return format;
  refuseAbove(folder, path, (inside) => PART_FORMATS.some(({ isIn }) => isIn(inside)));
  const names = PART_FORMATS.map(({ name }) => name).join(", ");
  throw new Error(
    `${path}: must hold pictures with annotated parts in a format of ${names}; got none of them`,
  );
}

/** The parts that count, as names; at least so many. */
export function partsAsked(
  annotations: PartAnnotations,
  { parts, path }: FindPartsOptions,
  least: 1 | 2,
): string[] {
  const { partNames } = annotations;
  const asked = askedNames(annotations, parts);
  const unknown = asked.filter((part) => !partNames.includes(part));
  if (unknown.length > 0 || new Set(asked).size < Math.max(least, asked.length)) {
    const got = unknown.length > 0 ? nameSome(unknown) : asked.join(", ") || "none";
    const must = least === 2 ? "two or more" : "different ones";
    throw new Error(`${path}: parts must be ${must} of ${nameSome(partNames, 20)}; got ${got}`);
  }
  return [...asked];
}

/** Every picture with the squares that the rule gives it; pictures without one are left out, and `note` is told how many and why. */
function squaresOf(
  { partNames, pictures }: PartAnnotations,
  parts: string[],
  options: FindPartsOptions,
): PictureWithParts[] {
  const { side = "text", above = 20, path, note } = options;
  const place = partNames.map((name) => parts.indexOf(name));
  const asked = <P extends { part: number }>(places: readonly P[]): P[] =>
    places.flatMap((one) => (place[one.part]! < 0 ? [] : [{ ...one, part: place[one.part]! }]));
  const leftOut = nothingLeftOut();
  let found = 0;
  const result = pictures.flatMap((picture) => {
    const [points, regions] = [asked(picture.points), asked(picture.regions)];
    found += points.length + regions.length;
    const squares = [...pointSquares(points, { side, above }, leftOut), ...regionSquares(regions, leftOut)];
    return squares.length > 0 ? [{ ...picture, squares }] : [];
  });
  const reasons = reasonsOf(leftOut, above);
  if (reasons.length > 0)
    note?.(
      `${path}: of ${found} parts that are seen, to ${options.split}, no crop is cut of ${reasons.join(" and ")}`,
    );
  return result;
}

const reasonsOf = ({ alone, near, empty }: LeftOut, above: number): string[] => [
  ...(near > 0 ? [`${near} whose nearest neighbour is not between ${2 * above} and 2000 pixels away`] : []),
  ...(alone > 0 ? [`${alone} without a neighbour`] : []),
  ...(empty > 0 ? [`${empty} without a pixel`] : []),
];
