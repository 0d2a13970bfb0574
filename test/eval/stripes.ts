/** Pictures whose pixels tell their class: what linear segmentation of raw pixels finds without a mistake. */
import type { ImageSet } from "../../src/data/images.ts";
import { IGNORED, type PixelSet } from "../../src/data/pixelSet.ts";
import { testRandom } from "../array64.ts";

const COLOURS = [
  [230, 20, 20],
  [20, 230, 20],
  [20, 20, 230],
] as const;
/** Width of a stripe. */
export const PATCH = 4;

/**
 * Pictures of upright stripes, a patch wide, of three colours. The classes are those of the stripes or any; a tenth of the pixels
 * is ignored.
 */
export function stripes(options: {
  count: number;
  side?: number;
  seed: number;
  labels?: "own" | "any";
}): PixelSet {
  const { count, side = 16, seed, labels = "own" } = options;
  const next = testRandom(seed);
  const set: ImageSet = {
    ...{ name: "stripes", width: side, height: side, count, classes: [] },
    pixels: new Uint8Array(count * side * side * 3),
    labels: new Int32Array(count).fill(-1),
  };
  const pixelLabels = new Uint16Array(count * side * side);
  for (let i = 0; i < count; i++) {
    const colours = Array.from({ length: side / PATCH }, () => Math.floor(3 * next()));
    for (let at = 0; at < side * side; at++) {
      const colour = colours[Math.floor((at % side) / PATCH)]!;
      set.pixels.set(COLOURS[colour]!, 3 * (i * side * side + at));
      const label = labels === "own" ? colour : Math.floor(3 * next());
      pixelLabels[i * side * side + at] = next() < 0.1 ? IGNORED : label;
    }
  }
  return { ...set, pixelLabels, pixelClasses: ["red", "green", "blue"] };
}
