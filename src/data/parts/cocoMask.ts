/** What COCO's objects are in masks: parts of known shape, and pixels that are ignored as nobody says what part they show. */
import type { CocoObject, CocoPicture } from "./coco.ts";
import { boxShape, type CocoShape, fillShape } from "./cocoShape.ts";
import { IGNORED, type LabelMask } from "./labelMask.ts";

/** A shape in a mask: that of a part, or IGNORED of what no one part is known of. */
export interface Labelled {
  label: number;
  shape: CocoShape;
}

/** What an object is in masks; nothing where it has keypoints, or where its part does not count and could not be drawn. */
export function labelledOf(
  { category, isCrowd, shape, box }: CocoObject,
  partNames: readonly string[],
  asked: readonly string[],
): Labelled | undefined {
  const part = partNames.indexOf(category.name);
  if (category.keypoints.length > 0 || part < 0) return undefined;
  if (shape && !isCrowd) return { label: part + 1, shape };
  return asked.includes(category.name) ? { label: IGNORED, shape: shape ?? boxShape(box) } : undefined;
}

/** A picture's mask: all shapes filled, later ones over earlier ones, and what is ignored beneath the parts that are known. */
export function maskOf({ width, height }: CocoPicture, shapes: readonly Labelled[]): LabelMask {
  const mask = { width, height, labels: new Uint16Array(width * height) };
  for (const isIgnored of [true, false]) {
    for (const { label, shape } of shapes) {
      if ((label === IGNORED) === isIgnored) fillShape(mask, shape, label);
    }
  }
  return mask;
}
