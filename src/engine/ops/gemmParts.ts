import type { GemmShape } from "../gpu/tuning.ts";

/** Tiles of 64 x 64 values that keep a large GPU busy: 132 processors with sixteen or so each. */
const ENOUGH_TILES = 2304;
const MOST_PARTS = 32;
const LEAST_SPAN = 128;
/** A part ends where every method's tile does. */
const STEP = 16;

/**
 * How k is cut so that a small y with a long k, a weight's gradient, fills a GPU too: parts of `span` values, the last one
 * perhaps shorter. The shape alone decides, so every method on every adapter adds in the same order. A part is no shorter
 * than the shorter side of y: then it reads at least as much as it writes.
 */
export function partsOfK({ m, n, k }: Pick<GemmShape, "m" | "n" | "k">): { count: number; span: number } {
  const tiles = Math.ceil(m / 64) * Math.ceil(n / 64);
  const shortest = Math.max(LEAST_SPAN, Math.min(m, n));
  const wanted = Math.min(MOST_PARTS, Math.floor(ENOUGH_TILES / tiles), Math.floor(k / shortest));
  if (wanted <= 1) return { count: 1, span: k };
  const span = Math.ceil(k / wanted / STEP) * STEP;
  return { count: Math.ceil(k / span), span };
}
