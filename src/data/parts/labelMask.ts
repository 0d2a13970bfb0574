import type { PartRegion } from "../partSquares.ts";
import { PictureFile } from "../pictureFile.ts";
import { decodePngLabels, type LabelMask } from "../png.ts";

export type { LabelMask } from "../png.ts";

/** Decodes a PNG of labels, palette or gray; `name` is used in errors. -> labels [H, W] */
export const decodeMask = (name: string, bytes: Uint8Array): LabelMask =>
  decodePngLabels(new PictureFile(name, bytes, "PNG"));

/** The box around all pixels of each label, by label. */
export function labelBoxes({ width, height, labels }: LabelMask): Map<number, Omit<PartRegion, "part">> {
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
