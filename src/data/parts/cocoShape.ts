/**
 * Where an object is, pixel by pixel, as COCO's files say it: outlines, or run lengths down the columns of its picture.
 * Source: pycocotools, common/maskApi.c.
 */
import type { Rectangle } from "../resize.ts";
import { fillOutline, type LabelMask } from "./labelMask.ts";

/** Outlines [x, y, x, y, ...] in pixels; or runs of pixels down one column after the other, outside and inside in turn. */
export type CocoShape = { outlines: readonly Float32Array[] } | { runs: Uint32Array };

/** All of a box. */
export const boxShape = ({ left, top, width, height }: Rectangle): CocoShape => {
  const [right, bottom] = [left + width, top + height];
  return { outlines: [Float32Array.of(left, top, right, top, right, bottom, left, bottom)] };
};

/** Gives the pixels of a shape the label. Run lengths must be those of a picture of the mask's size. */
export function fillShape(mask: LabelMask, shape: CocoShape, label: number): void {
  if ("outlines" in shape) {
    for (const outline of shape.outlines) fillOutline(mask, outline, label);
    return;
  }
  const { width, height, labels } = mask;
  let at = 0;
  shape.runs.forEach((length, i) => {
    const end = at + length;
    if (i % 2 === 0) at = end;
    for (; at < end; at++) labels[(at % height) * width + Math.floor(at / height)] = label;
  });
}

/**
 * The run lengths of COCO's compressed text; null where it is none. A letter has five bits, lowest ones first, a sixth where more
 * follow, and the highest bit of the last letter is the sign. From the fourth on a number is the difference to the one two before.
 */
export function runsOfText(text: string): number[] | null {
  const runs: number[] = [];
  for (let i = 0; i < text.length; ) {
    let value = 0;
    let bits = 0;
    for (let more = true; more; i++) {
      const letter = text.charCodeAt(i) - 48;
      if (!(letter >= 0 && letter < 64) || bits > 25) return null;
      value |= (letter & 31) << bits;
      bits += 5;
      more = letter >= 32;
      if (!more && letter & 16) value -= 2 ** bits;
    }
    runs.push(runs.length > 2 ? value + runs.at(-2)! : value);
  }
  return runs;
}
