/** A source of uniform 32-bit unsigned integers. */
export type Next32 = () => number;

/** A uniform integer in [0, bound), without modulo bias: values of the incomplete last block are drawn again. */
export function uniformBelow(bound: number, next32: Next32): number {
  const usable = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const x = next32();
    if (x < usable) return x % bound;
  }
}

/** A uniform permutation of 0..count-1 (Fisher and Yates, from the last position down) -> [count]. */
export function permutation(count: number, next32: Next32): Uint32Array {
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** 32) {
    throw new Error(`permutation: count must be an integer in [0, 2^32); got ${count}.`);
  }
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = uniformBelow(i + 1, next32);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Where a run stands: `step` counts batches inside `epoch`; both start at 0. */
export interface Position {
  epoch: number;
  step: number;
}

export interface BatchOptions {
  /** Pictures in the set. */
  count: number;
  batchSize: number;
  /** Leave out the last, smaller batch of an epoch (default true: every step then has one shape). */
  dropLast?: boolean;
  /** How often a picture stands in an epoch, each time in a row; the epoch is no longer for it. 1 when absent. */
  repeats?: number;
  /** The random source of an epoch's order, a function of the epoch alone; null keeps the set's order. */
  shuffle: ((epoch: number) => Next32) | null;
}

/** The plan of a run's batches. Everything is a function of the position, so a resumed run sees the same. */
export interface Batches {
  stepsPerEpoch: number;
  /** Position of the batch with this number, counted from the start of the run. */
  position(batch: number): Position;
  /** Indices of the pictures in a batch -> [batchSize], or fewer in a last batch that is kept. */
  indices(position: Position): Uint32Array;
  /** Which time in its epoch each of them comes, from 0: always 0 without repeats. */
  copies(position: Position): Uint32Array;
  /** Batches from `start` (default the beginning) on, over as many epochs as the caller takes. */
  from(start?: Position): Generator<Position & { indices: Uint32Array }, never>;
}

/**
 * Plans the batches of a run: each epoch is one permutation of the set, cut into pieces of `batchSize`. With repeats it is the
 * first `count` places of that permutation with each picture in a row so often, so about a `repeats`th of the pictures: DeiT's
 * RASampler, whose ranks' samples of one step are together such a piece. What differs: DeiT rounds the epoch down to 256, too.
 */
export function planBatches(options: BatchOptions): Batches {
  const { count, batchSize, dropLast = true, repeats = 1, shuffle } = options;
  const stepsPerEpoch = (dropLast ? Math.floor : Math.ceil)(count / batchSize);
  if (!(Number.isInteger(count) && Number.isInteger(batchSize) && batchSize > 0 && stepsPerEpoch > 0)) {
    throw new Error(
      `planBatches: an epoch must hold at least one batch; got ${count} pictures and batches of ${batchSize}. ` +
        "Choose a smaller batch size.",
    );
  }
  if (!(Number.isInteger(repeats) && repeats > 0)) {
    throw new Error(`planBatches: repeats must be a whole number of at least 1; got ${repeats}.`);
  }
  let held: { epoch: number; order: Uint32Array } | undefined; // the latest order; recomputed when asked for another
  const orderOf = (epoch: number): Uint32Array => {
    if (held?.epoch !== epoch) {
      const order = shuffle
        ? permutation(count, shuffle(epoch))
        : Uint32Array.from({ length: count }, (_, i) => i);
      held = { epoch, order };
    }
    return held.order;
  };
  /** Something of each place of a batch, which are counted through the epoch. */
  const ofPlaces = ({ epoch, step }: Position, at: (place: number) => number): Uint32Array => {
    if (
      !(Number.isInteger(epoch) && epoch >= 0 && Number.isInteger(step) && step >= 0 && step < stepsPerEpoch)
    ) {
      throw new Error(
        `planBatches: a position needs epoch >= 0 and step in [0, ${stepsPerEpoch}); got ${epoch}, ${step}.`,
      );
    }
    const start = step * batchSize;
    return Uint32Array.from({ length: Math.min(batchSize, count - start) }, (_, i) => at(start + i));
  };
  const indices = (position: Position): Uint32Array =>
    ofPlaces(position, (place) => orderOf(position.epoch)[Math.floor(place / repeats)]!);
  return {
    stepsPerEpoch,
    position: (batch) => ({ epoch: Math.floor(batch / stepsPerEpoch), step: batch % stepsPerEpoch }),
    indices,
    copies: (position) => ofPlaces(position, (place) => place % repeats),
    *from(start = { epoch: 0, step: 0 }) {
      for (let { epoch, step } = start; ; step++) {
        if (step === stepsPerEpoch) {
          step = 0;
          epoch++;
        }
        yield { epoch, step, indices: indices({ epoch, step }) };
      }
    },
  };
}
