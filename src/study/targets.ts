/** What an encoder is asked about: the classes of whole pictures, and which part a crop shows. */
import type { ImageSet } from "../data/images.ts";
import type { PixelSet } from "../data/pixelSet.ts";

/** One split of a target. */
export interface Items extends ImageSet {
  /** [count]: the picture each item is from, by which results are resampled; the item itself where absent. */
  pictures?: Int32Array;
}

/** A question with its pictures. Objects: whole pictures and their classes. Parts: crops and the names of parts. */
export interface Target {
  name: TargetName;
  probe: Items;
  test: Items;
}

/** The same question about every pixel: the class of the object that it shows, or the part. */
export interface PixelTarget {
  name: TargetName;
  probe: PixelSet;
  test: PixelSet;
}

export const TARGETS = ["objects", "parts"] as const;
export type TargetName = (typeof TARGETS)[number];

/** The picture of each item. */
export const picturesOf = ({ pictures, count }: Items): Int32Array =>
  pictures ?? Int32Array.from({ length: count }, (_, i) => i);
