/**
 * Counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Value number `index` of a stream depends on (seed, stream, step, index) and on nothing drawn before it, and
 * src/shaders/random.wgsl gives the same bits.
 */

/** What each stream of random numbers is for. The numbers are part of every saved run: append, never renumber. */
export const STREAMS = {
  init: 0,
  order: 1,
  crop: 2,
  flip: 3,
  color: 4,
  blur: 5,
  mask: 6,
  dropout: 7,
  dropPath: 8,
  mixup: 9,
  probe: 10,
  dataset: 11,
  test: 12,
  gray: 13,
  solarize: 14,
  erase: 15,
  randAugment: 16,
} as const;

/** Name of a stream of random numbers. */
export type Stream = keyof typeof STREAMS;

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
const TWO_32 = 2 ** 32;

/** High 32 bits of the 64-bit product a·b of two unsigned 32-bit integers. */
function mulhi(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = a1 * b0 + (Math.imul(a0, b0) >>> 16); // below 2^32, as is mid: exact in a double
  const mid = a0 * b1 + (low & 0xffff);
  return (a1 * b1 + (low >>> 16) + (mid >>> 16)) >>> 0;
}

/** Writes block (c0, c1, c2, c3) under key (k0, k1) to out[0..4). Scalars, because it runs a million times at init. */
function writeBlock(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const hi0 = mulhi(c0, MULTIPLIER_0);
    const lo0 = Math.imul(c0, MULTIPLIER_0);
    const hi1 = mulhi(c2, MULTIPLIER_1);
    const lo1 = Math.imul(c2, MULTIPLIER_1);
    c0 = hi1 ^ c1 ^ k0;
    c1 = lo1;
    c2 = hi0 ^ c3 ^ k1;
    c3 = lo0;
    k0 = (k0 + KEY_STEP_0) | 0;
    k1 = (k1 + KEY_STEP_1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/**
 * Philox 4x32 with ten rounds: counter (four u32), key (two u32) -> four u32.
 * Agrees with the known-answer vectors of Random123 1.14.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): Uint32Array {
  const out = new Uint32Array(4);
  writeBlock(out, ...counter, ...key);
  return out;
}

/** The top 24 bits of a u32 as a multiple of 2^-24 in [0, 1): exact in f32, so WGSL gives the same number. */
export function uniformFromBits(bits: number): number {
  return (bits >>> 8) * 2 ** -24;
}

/**
 * Philox key of a seed: [low 32 bits, high bits]. Throws unless seed is a whole number in [0, 2^53).
 */
export function seedKey(seed: number): [number, number] {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new Error(`seedKey: seed must be a whole number in [0, 2^53); got ${seed}`);
  }
  return [seed >>> 0, Math.floor(seed / TWO_32)];
}

/**
 * The numbers 0, 1, 2, ... of the stream (seed, stream, step), read one after the other.
 * Value `index` is word `index % 4` of philox4x32([index / 4, step, stream, 0], seedKey(seed)).
 * Normals use the host's Math.log and Math.cos, so they are equal to the bit only within one JavaScript engine.
 */
export class Random {
  readonly seed: number;
  readonly stream: Stream;
  readonly step: number;
  private readonly key: [number, number];
  private readonly block = new Uint32Array(4);
  private index = 0;
  private spare: number | undefined;

  /** Throws unless step is a whole number in [0, 2^32). */
  constructor(seed: number, stream: Stream, step = 0) {
    if (!Number.isInteger(step) || step < 0 || step >= TWO_32) {
      throw new Error(`Random: step must be a whole number in [0, 2^32); got ${step}`);
    }
    this.seed = seed;
    this.stream = stream;
    this.step = step;
    this.key = seedKey(seed);
  }

  /** The beginning of another stream of the same seed; unaffected by what was drawn here. */
  fork(stream: Stream, step = 0): Random {
    return new Random(this.seed, stream, step);
  }

  /** Next whole number, uniform in [0, 2^32). */
  nextU32(): number {
    const word = this.index % 4;
    if (word === 0) this.fillBlock();
    this.index++;
    return this.block[word]!;
  }

  /** Next number, uniform in [0, 1), a multiple of 2^-24. */
  next(): number {
    return uniformFromBits(this.nextU32());
  }

  /** Next whole number in [0, count): floor(u32 · count / 2^32), so uneven by at most count / 2^32. */
  below(count: number): number {
    if (!Number.isInteger(count) || count < 1 || count >= TWO_32) {
      throw new Error(`Random.below: count must be a whole number in [1, 2^32); got ${count}`);
    }
    return mulhi(this.nextU32(), count);
  }

  /**
   * Next sample of N(0, 1) by Box-Muller: √(−2 ln(1 − u)) · cos 2πv, with the sine kept for the next call.
   * u has 24 bits, so samples stay within ±5.77.
   */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    const angle = 2 * Math.PI * this.next();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /**
   * Next sample of N(mean, std²) given that it lies in [low, high] (absolute bounds, not multiples of std), by
   * rejection. The defaults are those of timm's trunc_normal_: with std 0.02 the bounds are never reached.
   * Throws if mean is over two std outside the bounds, where rejection takes too long.
   */
  truncatedNormal(std: number, mean = 0, low = -2, high = 2): number {
    if (!(low < high && std > 0 && mean > low - 2 * std && mean < high + 2 * std)) {
      throw new Error(
        `Random.truncatedNormal: needs std > 0, low < high and mean within two std of [low, high]; got std ${std}, mean ${mean}, [${low}, ${high}]`,
      );
    }
    for (;;) {
      const value = mean + std * this.normal();
      if (value >= low && value <= high) return value;
    }
  }

  /** Fills out with uniform numbers in [low, high) and returns it. */
  fillUniform(out: Float32Array, low = 0, high = 1): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = low + (high - low) * this.next();
    return out;
  }

  /** Fills out with samples of N(mean, std²) and returns it. */
  fillNormal(out: Float32Array, std = 1, mean = 0): Float32Array {
    for (let i = 0; i < out.length; i++) out[i] = mean + std * this.normal();
    return out;
  }

  /** The numbers 0 .. count − 1 in random order (Fisher-Yates from the end). */
  permutation(count: number): Uint32Array {
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    return order;
  }

  private fillBlock(): void {
    const number = this.index / 4;
    if (number >= TWO_32)
      throw new Error("Random: a stream holds 2^34 values; got to its end. Use another step.");
    writeBlock(this.block, number, this.step, STREAMS[this.stream], 0, this.key[0], this.key[1]);
  }
}
