import { PictureFile } from "../pictureFile.ts";
import { decodePngLabels, type LabelMask } from "../png.ts";
import type { Rectangle } from "../resize.ts";

/** What a pixel has in the place of a class when it does not count: 255 in files of masks, here above any number of classes. */
export const IGNORED = 0xffff;

export type { LabelMask } from "../png.ts";

/** Decodes a PNG of labels, palette or gray; `name` is used in errors. -> labels [H, W] */
export const decodeMask = (name: string, bytes: Uint8Array): LabelMask =>
  decodePngLabels(new PictureFile(name, bytes, "PNG"));

/**
 * Fills an outline [x, y, x, y, ...] in pixels: pixels whose middle is inside an odd number of times get the label, those
 * beyond the mask are left out.
 */
export function fillOutline(
  { width, height, labels }: LabelMask,
  outline: ArrayLike<number>,
  label: number,
): void {
  const corners = outline.length / 2;
  for (let row = 0; row < height; row++) {
    const y = row + 0.5;
    const crossings: number[] = [];
    for (let i = 0, j = corners - 1; i < corners; j = i++) {
      const [x0, y0, x1, y1] = [outline[2 * j]!, outline[2 * j + 1]!, outline[2 * i]!, outline[2 * i + 1]!];
      if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i]! - 0.5));
      const to = Math.min(width, Math.ceil(crossings[i + 1]! - 0.5));
      if (from < to) labels.fill(label, row * width + from, row * width + to);
    }
  }
}

/** The same pixels with other labels. */
export const relabelled = (
  { width, height, labels }: LabelMask,
  labelOf: (label: number) => number,
): LabelMask => {
  const known = new Map<number, number>();
  return {
    width,
    height,
    labels: labels.map((label) => {
      let to = known.get(label);
      if (to === undefined) {
        to = labelOf(label);
        known.set(label, to);
      }
      return to;
    }),
  };
};

/** The box around all pixels of each label, by label. */
export function labelBoxes({ width, height, labels }: LabelMask): Map<number, Rectangle> {
  const edges = new Map<number, { left: number; top: number; right: number; bottom: number }>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; ) {
      const label = labels[y * width + x]!;
      const start = x;
      while (x < width && labels[y * width + x] === label) x++;
      const box = edges.get(label);
      if (!box) edges.set(label, { left: start, top: y, right: x, bottom: y + 1 });
      else {
        box.left = Math.min(box.left, start);
        box.right = Math.max(box.right, x);
        box.bottom = y + 1;
      }
    }
  }
  return new Map(
    [...edges]
      .sort(([a], [b]) => a - b)
      .map(([label, { left, top, right, bottom }]) => [
        label,
        { left, top, width: right - left, height: bottom - top },
      ]),
  );
}
