/**
 * Pictures of parts, cut out around keypoints: "Understanding Self-Supervised Pretraining with Part-Aware Representation
 * Learning" (arXiv 2301.11915) section 4.2; official file `retrieval-classification/moco/loader.py`. For each visible
 * keypoint d is the distance to the nearest other one of the picture that is not at the same place; a keypoint without such
 * a neighbour, or with d/2 outside of (20, 1000) pixels, gives no crop. The text of the paper cuts a square of side d, the
 * code that goes with it one of side d/2. What differs: the lower bound is a setting, in pixels of the picture at hand.
 */
import type { ImageSet } from "./images.ts";
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

/** A keypoint with the square around it, in pixels: [x - r, x + r) across and [y - r, y + r) down. */
interface PartBox {
  part: number;
  x: number;
  y: number;
  r: number;
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
    boxesOf(pointsOf(set, picture, asked), { side, above }).map((box) => ({ picture, ...box })),
  ).flat();
  const bytes = size * size * 3;
  const pixels = new Uint8Array(found.length * bytes);
  for (const [i, { picture, ...box }] of found.entries()) {
    const cut = { width: 2 * box.r, height: 2 * box.r, pixels: cutOut(set, picture, box) };
    pixels.set(resize(cut, size, size, filter).pixels, i * bytes);
  }
  return {
    name: `${set.name}-parts`,
    width: size,
    height: size,
    count: found.length,
    pixels,
    labels: Int32Array.from(found, ({ part }) => part),
    classes: [...parts],
    pictures: Int32Array.from(found, ({ picture }) => picture),
  };
}

/** The visible ones among the parts asked for; `part` is the place in that list. */
function pointsOf({ keypoints, partNames }: KeypointSet, picture: number, asked: readonly number[]) {
  return asked.flatMap((index, part) => {
    const [x, y, visible] = keypoints.subarray((picture * partNames.length + index) * 3);
    return visible ? [{ part, x: x!, y: y! }] : [];
  });
}

/** The squares around those points that have a neighbour at a fitting distance. */
function boxesOf(
  points: readonly Omit<PartBox, "r">[],
  { side, above }: Required<Pick<PartCropOptions, "side" | "above">>,
): PartBox[] {
  return points.flatMap((point) => {
    const distances = points.map(({ x, y }) => Math.hypot(x - point.x, y - point.y)).filter((d) => d > 0);
    const half = Math.min(...distances) / 2; // Infinity for a lone point
    if (!(half > above && half < 1000)) return [];
    return [{ ...point, r: Math.max(1, roundHalfEven(side === "text" ? half : half / 2)) }];
  });
}

/** pixels [2 r, 2 r, 3]; Pillow's `crop` with the box's corners rounded. */
function cutOut({ width, height, pixels }: ImageSet, picture: number, { x, y, r }: PartBox): Uint8Array {
  const [left, top] = [roundHalfEven(x - r), roundHalfEven(y - r)];
  const from = Math.max(0, left);
  const to = Math.min(width, left + 2 * r);
  const cut = new Uint8Array(4 * r * r * 3);
  for (let row = Math.max(0, top); row < Math.min(height, top + 2 * r) && from < to; row++) {
    const start = ((picture * height + row) * width + from) * 3;
    cut.set(pixels.subarray(start, start + (to - from) * 3), ((row - top) * 2 * r + from - left) * 3);
  }
  return cut;
}

/** Python's `round`: halves go to the even neighbour. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
