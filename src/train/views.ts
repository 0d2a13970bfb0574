import { type CropBox, flipDecision, type Range, randomResizedCrop } from "../data/randomResizedCrop.ts";
import { BOX_WORDS } from "../engine/ops/cropPictures.ts";
import { uniformsOf, type ViewKey } from "../pictures/augment.ts";

export { BOX_WORDS, wholeBoxes } from "../engine/ops/cropPictures.ts";
export type { ViewKey } from "../pictures/augment.ts";

export interface ViewSettings {
  /** Size of the pictures that are cut. */
  width: number;
  height: number;
  /** Range of the crop's share of the area: MAE has [0.2, 1], torchvision [0.08, 1]. */
  scale: Range;
  /** Range of width / height; [3/4, 4/3] when absent. */
  ratio?: Range;
  /** Probability of a flip, 0.5 when absent. */
  flip?: number;
}

export interface View extends CropBox {
  flip: boolean;
}

/**
 * Crop and flip of one picture, torchvision's RandomResizedCrop and RandomHorizontalFlip: a pure function of the key,
 * the picture's index (below 2^29) and the settings, whatever else is in the batch.
 */
export function viewOf(
  index: number,
  { width, height, scale, ratio, flip = 0.5, ...key }: ViewSettings & ViewKey,
): View {
  const box = randomResizedCrop(width, height, scale, ratio, uniformsOf("crop", index, key));
  return { ...box, flip: flipDecision(flip, uniformsOf("flip", index, key)) };
}

/**
 * Writes the boxes of a batch for `cropPictures`: indices [B] -> words [B, 6]. `places` is where the pictures lie in the
 * shards, their indices when absent; `copies` is which time in its epoch each one comes, the first when absent.
 */
export function fillBoxes(
  words: Int32Array | Uint32Array,
  indices: ArrayLike<number>,
  options: ViewSettings & Omit<ViewKey, "copy">,
  places = indices,
  copies?: ArrayLike<number>,
): void {
  if (words.length !== indices.length * BOX_WORDS) {
    throw new Error(
      `fillBoxes: words must hold ${BOX_WORDS} for each of ${indices.length} pictures; got ${words.length}.`,
    );
  }
  for (let i = 0; i < indices.length; i++) {
    const { top, left, height, width, flip } = viewOf(indices[i]!, { ...options, copy: copies?.[i] });
    words.set([places[i]!, top, left, height, width, Number(flip)], i * BOX_WORDS);
  }
}
