/**
 * Numbers for the built-in set: 32-bit integer arithmetic and exact division by a power of two only,
 * so that every engine gives the same bits. Independent of the engine's Philox because data stand alone.
 */

/** A source of numbers in [0, 1), multiples of 2^-32. */
export type Uniform = () => number;

/** Spreads every bit of `x` over all 32 (the finaliser of MurmurHash3). */
function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * An independent stream for each list of integers from 0 to 2^32 - 1, beyond which streams repeat: a Weyl sequence through the
 * mixer, started at a hash of the keys.
 */
export function randomFrom(...keys: number[]): Uniform {
  let state = 0x9e3779b9;
  for (const key of keys) state = mix(state ^ mix(key)) + 0x9e3779b9;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return (mix(state) >>> 0) / 2 ** 32;
  };
}

/** Uniform in [low, high). */
export const between = (random: Uniform, low: number, high: number): number => low + (high - low) * random();

/** A uniform integer in [0, bound). */
export const below = (random: Uniform, bound: number): number => Math.floor(random() * bound);

/** One of the items. */
export const pick = <T>(random: Uniform, items: readonly T[]): T => items[below(random, items.length)]!;
