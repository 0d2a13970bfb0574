import { type CropBox, flipDecision, type Range, randomResizedCrop } from "../data/randomResizedCrop.ts";
import { BOX_WORDS } from "../engine/ops/cropPictures.ts";
import { philox4x32, STREAMS, type Stream, seedKey, uniformFromBits } from "../engine/random.ts";

export { BOX_WORDS, wholeBoxes } from "../engine/ops/cropPictures.ts";

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

/** Which random numbers: whole numbers, `epoch` and `view` below 2^32. */
export interface ViewKey {
  seed: number;
  epoch: number;
  /** Tells apart several crops of one picture in one epoch. */
  view: number;
}

export interface View extends CropBox {
  flip: boolean;
}

/** Blocks of four numbers kept for one picture: a crop takes 22 numbers at most. */
const BLOCKS = 8;

/**
 * The random numbers of one picture: values 32 index, 32 index + 1, ... of the stream (seed, stream, epoch) at site
 * `view`, a function of these alone.
 */
function uniformsOf(stream: Stream, index: number, { seed, epoch, view }: ViewKey): () => number {
  const key = seedKey(seed);
  let block: Uint32Array = new Uint32Array(0);
  let taken = 0;
  return () => {
    if (taken % 4 === 0) {
      block = philox4x32([index * BLOCKS + taken / 4, epoch, STREAMS[stream], view], key);
    }
    return uniformFromBits(block[taken++ % 4]!);
  };
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

/** Writes the boxes of a batch for `cropPictures`: indices [B] -> words [B, 6]. */
export function fillBoxes(
  words: Int32Array | Uint32Array,
  indices: ArrayLike<number>,
  options: ViewSettings & ViewKey,
): void {
  if (words.length !== indices.length * BOX_WORDS) {
    throw new Error(
      `fillBoxes: words must hold ${BOX_WORDS} for each of ${indices.length} pictures; got ${words.length}.`,
    );
  }
  for (let i = 0; i < indices.length; i++) {
    const { top, left, height, width, flip } = viewOf(indices[i]!, options);
    words.set([indices[i]!, top, left, height, width, Number(flip)], i * BOX_WORDS);
  }
}
