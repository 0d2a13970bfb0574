import type { Tensor } from "../engine/graph/tensor.ts";
import { philox4x32, STREAMS, type Stream, seedKey, uniformFromBits } from "../engine/random.ts";

/**
 * A random change of pictures. Its numbers are drawn on the host for each picture, a pure function of (seed, epoch, picture,
 * view, copy), written as step data, and read by what `apply` records.
 */
export interface Augmentation {
  /** Where its numbers come from; augmentations of one list need streams of their own. */
  readonly stream: Stream;
  /** Numbers a picture has in the table. */
  readonly width: number;
  /** `next` gives numbers in [0, 1). `view` counts the views of a picture: DINO's second one is blurred less often. */
  draw(next: () => number, view: number): readonly number[];
  /** images f32 [B, H, W, 3] in levels 0..255, drawn f32 [B, width] -> [B, H, W, 3] alike. Nothing flows back. */
  apply(images: Tensor, drawn: Tensor): Tensor;
}

/** Which random numbers: whole numbers, `epoch` below 2^32, `view` and `copy` below 2^16. */
export interface ViewKey {
  seed: number;
  epoch: number;
  /** Tells apart several views of one picture in one epoch. */
  view: number;
  /** Tells apart the times that a picture comes in one epoch; 0 when absent. */
  copy?: number;
}

/** Sites kept for the views of one copy. */
const VIEWS = 2 ** 16;

/** Blocks of four numbers kept for one picture: a crop takes 22 numbers at most. */
const BLOCKS = 8;

/**
 * The random numbers of one picture: values 32 index, 32 index + 1, ... of the stream (seed, stream, epoch) at a site of
 * the view and the copy, a function of these alone. index below 2^29.
 */
export function uniformsOf(
  stream: Stream,
  index: number,
  { seed, epoch, view, copy = 0 }: ViewKey,
): () => number {
  const key = seedKey(seed);
  const site = view + copy * VIEWS;
  let block: Uint32Array = new Uint32Array(0);
  let taken = 0;
  return () => {
    if (taken % 4 === 0) {
      block = philox4x32([index * BLOCKS + taken / 4, epoch, STREAMS[stream], site], key);
    }
    return uniformFromBits(block[taken++ % 4]!);
  };
}

/** Draws an augmentation's numbers for the pictures of one view: indices [B], their copies [B] -> out [B, width]. */
export function fillDrawn(
  out: Float32Array,
  augmentation: Augmentation,
  indices: ArrayLike<number>,
  key: Omit<ViewKey, "copy">,
  copies?: ArrayLike<number>,
): void {
  const { stream, width, draw } = augmentation;
  for (let i = 0; i < indices.length; i++) {
    out.set(draw(uniformsOf(stream, indices[i]!, { ...key, copy: copies?.[i] }), key.view), i * width);
  }
}

/** A probability by view: the last one given serves all further views. */
export type ByView = number | readonly number[];

/** Throws unless there is a probability for every view, and each is one. */
export function checkProbability(where: string, p: ByView): void {
  const all = typeof p === "number" ? [p] : p;
  if (all.length > 0 && all.every((one) => one >= 0 && one <= 1)) return;
  throw new Error(`${where}: p must be one or more probabilities in [0, 1]; got ${all.join(", ") || "none"}`);
}

export const probabilityAt = (p: ByView, view: number): number =>
  typeof p === "number" ? p : p[Math.min(view, p.length - 1)]!;
