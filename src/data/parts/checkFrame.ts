import type { Picture } from "../resize.ts";
import type { PictureWithParts } from "./findParts.ts";

/** How far a box may be drawn over the edge, as a share of the side: in twenty species of CUB it is 5 pixels of 375 at most. */
const OVER_EDGE = 1 / 20;

/**
 * Throws where annotations cannot be of this picture, as those of another size are not: the middle of a square lies more than a
 * pixel outside of it, or the object's box leaves it. `scale` is how many of its pixels are one of the annotations'.
 */
export function checkFrame(
  { file, annotated, box, squares }: PictureWithParts,
  { width, height }: Picture,
  scale: number,
): void {
  const check = (what: string, from: number[], to: number[], slack: number[]): void => {
    const isIn = [width, height].every(
      (side, i) => from[i]! * scale >= -slack[i]! && to[i]! * scale <= side + slack[i]!,
    );
    if (isIn) return;
    const inPixels = (at: number): number => Math.round(10 * at * scale) / 10;
    const [first, last] = [from, to].map((corner) => corner.map(inPixels).join(", "));
    const place = first === last ? `at (${first})` : `from (${first}) to (${last})`;
    const fix = annotated ? "Is it the picture that was annotated?" : "Of another size? Add image_sizes.txt";
    throw new Error(
      `${file.path}: what is annotated must lie in the picture, ${width} x ${height}; got ${what} ${place}. ${fix}`,
    );
  };
  for (const { left, top, side } of squares) {
    const middle = [left + side / 2, top + side / 2];
    check("a part", middle, middle, [1 + scale, 1 + scale]);
  }
  if (box) {
    const { left, top } = box;
    const slack = [OVER_EDGE * width, OVER_EDGE * height];
    check("a box", [left, top], [left + box.width, top + box.height], slack);
  }
}
