/**
 * Where parts are cut out of a picture: "Understanding Self-Supervised Pretraining with Part-Aware Representation Learning"
 * (arXiv 2301.11915) section 4.2; official file `retrieval-classification/moco/loader.py`. For each visible keypoint d is the
 * distance to the nearest other one that is not at the same place; a keypoint without such a neighbour, or with d/2 outside
 * of (20, 1000) pixels, gives no square. The text of the paper cuts a square of side d, the code that goes with it one of
 * side d/2. What differs: the lower bound is a setting, and parts may be regions, too, which the paper has none of.
 */
import { type Picture, type Rectangle, roundHalfEven } from "./resize.ts";

/** A visible keypoint, in pixels. `object` tells those of one animal or person from those of another in the picture. */
export interface PartPoint {
  part: number;
  x: number;
  y: number;
  object: number;
}

/** The box around a part that was outlined, in pixels. */
export interface PartRegion extends Rectangle {
  part: number;
}

/** What of a box lies in a picture; its sides are 0 where nothing does. */
export function boxWithin(box: Rectangle, picture: Pick<Picture, "width" | "height">): Rectangle {
  const within = (from: number, length: number, most: number): [from: number, length: number] => {
    const start = Math.min(most, Math.max(0, from));
    return [start, Math.max(0, Math.min(length - (start - from), most - start))];
  };
  const [left, width] = within(box.left, box.width, picture.width);
  const [top, height] = within(box.top, box.height, picture.height);
  return { left, top, width, height };
}

/** A square around a part, in pixels: [left, left + side) across and [top, top + side) down. It may leave the picture. */
export interface PartSquare {
  part: number;
  left: number;
  top: number;
  side: number;
}

export interface SquareRule {
  /** Side of a square around a point: d as in the paper's text, or d/2 as in its code. */
  side: "text" | "code";
  /** d/2 must be above this, in pixels; the paper's is 20. */
  above: number;
}

/** Points and regions that give no square, by the reason. */
export interface LeftOut {
  /** Points that have no other one beside them. */
  alone: number;
  /** Points that are too near the next one or, which hardly occurs, 2,000 pixels away from it. */
  near: number;
  /** Regions without a pixel. */
  empty: number;
}

export const nothingLeftOut = (): LeftOut => ({ alone: 0, near: 0, empty: 0 });

/** `d / 2` of the paper must be below this. */
const BELOW = 1000;

/**
 * The squares around the points of one picture, in their order; what gives none is counted in `leftOut`. Distances are taken
 * within an object, of which the paper wants two points. Its code has the object's number as a third coordinate instead:
 * nearly the same, as numbers differ by more than places do.
 */
export function pointSquares(
  all: readonly PartPoint[],
  { side, above }: SquareRule,
  leftOut: LeftOut = nothingLeftOut(),
): PartSquare[] {
  const points = all.filter(({ object }, i) => all.some((other, j) => j !== i && other.object === object));
  leftOut.alone += all.length - points.length;
  const apart = (a: number, b: number): number =>
    side === "code" ? a - b : a === b ? 0 : Number.POSITIVE_INFINITY;
  return points.flatMap(({ part, x, y, object }) => {
    const distances = points
      .map((other) => Math.hypot(other.x - x, other.y - y, apart(other.object, object)))
      .filter((d) => d > 0);
    const half = Math.min(...distances) / 2;
    if (half > above && half < BELOW) {
      const r = Math.max(1, roundHalfEven(side === "text" ? half : half / 2));
      return [{ part, left: x - r, top: y - r, side: 2 * r }];
    }
    leftOut[Number.isFinite(half) ? "near" : "alone"]++;
    return [];
  });
}

/** The square with the middle of each region and its longer side. */
export function regionSquares(
  regions: readonly PartRegion[],
  leftOut: LeftOut = nothingLeftOut(),
): PartSquare[] {
  const filled = regions.filter(({ width, height }) => width > 0 && height > 0);
  leftOut.empty += regions.length - filled.length;
  return filled.map(({ part, left, top, width, height }) => {
    const side = Math.max(width, height);
    return { part, left: left + (width - side) / 2, top: top + (height - side) / 2, side };
  });
}

/**
 * Cuts a square out of a picture [H, W, 3], as Pillow's `crop` with the corners rounded; beyond the edge all is black.
 * `scale` is how many pixels of the picture are one of those in which the square is given.
 */
export function cutSquare(picture: Picture, square: PartSquare, scale = 1): Picture {
  const { width, height, pixels } = picture;
  const [left, top] = [roundHalfEven(square.left * scale), roundHalfEven(square.top * scale)];
  const side = Math.max(1, roundHalfEven(square.side * scale));
  const from = Math.max(0, left);
  const to = Math.min(width, left + side);
  const cut = new Uint8Array(side * side * 3);
  for (let row = Math.max(0, top); row < Math.min(height, top + side) && from < to; row++) {
    const start = (row * width + from) * 3;
    cut.set(pixels.subarray(start, start + (to - from) * 3), ((row - top) * side + from - left) * 3);
  }
  return { width: side, height: side, pixels: cut };
}
