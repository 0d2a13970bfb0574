/** Pictures of parts, cut out around the keypoints of a set in memory by the rule of `partSquares.ts`. */
import { type ImageSet, pictureAt } from "./images.ts";
import { cutSquare, type PartPoint, pointSquares } from "./partSquares.ts";
import { type Filter, resize } from "./resize.ts";

/** Pictures with keypoints: N = pictures, P = parts. */
export interface KeypointSet extends ImageSet {
  /** [N, P, 3]: x, y in pixels, visible 0 or 1. */
  keypoints: Float32Array;
  partNames: readonly string[];
}

export interface PartCropOptions {
  /** Parts that count, in the order of the labels; all of the set's by default. */
  parts?: readonly string[];
  /** Side of a crop: d as in the paper's text (default), or d/2 as in its code. */
  side?: "text" | "code";
  /** d/2 must be above this, in pixels of the set's pictures; the paper's 20 by default. */
  above?: number;
  /** Side of the pictures that come out (default 224). */
  size?: number;
  filter?: Filter;
}

/** Crops as a labelled set: classes are the parts. */
export interface PartCrops extends ImageSet {
  /** [crops]: which picture each crop is from, for statistics by picture. */
  pictures: Int32Array;
}

/** Cuts the parts out of every picture, in the order of pictures and parts. Beyond a picture's edge all is black. */
export function partCrops(set: KeypointSet, options: PartCropOptions = {}): PartCrops {
  const { parts = set.partNames, side = "text", above = 20, size = 224, filter = "bicubic" } = options;
  const asked = parts.map((name) => set.partNames.indexOf(name));
  if (asked.length < 2 || asked.includes(-1)) {
    throw new Error(
      `partCrops: parts must be two or more of ${set.partNames.join(", ")}; got ${parts.join(", ")}`,
    );
  }
  const found = Array.from({ length: set.count }, (_, picture) =>
    pointSquares(pointsOf(set, picture, asked), { side, above }).map((square) => ({ picture, square })),
  ).flat();
  const bytes = size * size * 3;
  const pixels = new Uint8Array(found.length * bytes);
  for (const [i, { picture, square }] of found.entries()) {
    const cut = cutSquare(pictureAt(set, picture), square);
    pixels.set(resize(cut, size, size, filter).pixels, i * bytes);
  }
  return {
    name: `${set.name}-parts`,
    width: size,
    height: size,
    count: found.length,
    pixels,
    labels: Int32Array.from(found, ({ square }) => square.part),
    classes: [...parts],
    pictures: Int32Array.from(found, ({ picture }) => picture),
  };
}

/** The visible ones among the parts asked for; `part` is the place in that list. */
function pointsOf({ keypoints, partNames }: KeypointSet, picture: number, asked: readonly number[]) {
  return asked.flatMap((index, part): PartPoint[] => {
    const [x, y, visible] = keypoints.subarray((picture * partNames.length + index) * 3);
    return visible ? [{ part, x: x!, y: y!, object: 0 }] : [];
  });
}
