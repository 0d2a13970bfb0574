/** A float64 array with a shape: what the references of the op tests compute with. */
export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export const array64 = (shape: readonly number[], data?: ArrayLike<number>): Array64 => ({
  shape,
  data: data ? Float64Array.from(data) : new Float64Array(shape.reduce((n, d) => n * d, 1)),
});

/** Same numbers everywhere: a 32-bit mix generator (Mulberry32), independent of the engine's own. */
export function testRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Uniform values in [low, high), rounded to f32 so that both sides compute from the same inputs. */
export function random64(shape: readonly number[], next: () => number, low = -2, high = 2): Array64 {
  const array = array64(shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = Math.fround(low + (high - low) * next());
  return array;
}
