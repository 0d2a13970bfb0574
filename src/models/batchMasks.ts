// The block masks of a batch as data of a step: what BEiT, data2vec and CAE hide.

import { Random } from "../engine/random.ts";
import { type BlockMaskOptions, blockMask } from "./blockMasks.ts";
import type { Moment, Moving } from "./method.ts";
import { gridOf, type VitConfig } from "./vit.ts";

/** What a method asks of its masks. */
export interface MaskSettings {
  /** Patches hidden: at most so many, or exactly. */
  maskedPatches: number;
  /** Smallest area that a block is drawn from, in patches. */
  minBlock: number;
}

/** Which patches of each picture of a batch are hidden. */
interface BatchMasks {
  /** u32 [B, N]: 1 hidden. */
  mask: Uint32Array;
  /** u32 [B, N]: the hidden patches of a picture in the order of the picture, then its others. */
  order: Uint32Array;
  /** f32 [B, count]: 1 / (hidden patches of the batch) for those in front of `order`, 0 where the blocks fell short. */
  weights: Float32Array;
}

/** Grid and counts of the generator. Throws one sentence where they do not fit. */
function blocksOf(
  method: string,
  encoder: VitConfig,
  { maskedPatches: count, minBlock }: MaskSettings,
): Omit<BlockMaskOptions, "exact"> {
  const grid = gridOf(encoder);
  const patches = grid * grid;
  if (!(count >= 1 && count < patches)) {
    throw new Error(
      `${method}: --masked-patches must be from 1 to below the ${patches} patches of a picture; got ${count}. ` +
        `BEiT hides 40 %, ${Math.round(0.4 * patches)} of them`,
    );
  }
  const largest = (grid - 1) ** 2; // a block has room to spare: larger ones are never placed
  if (minBlock > largest) {
    throw new Error(
      `${method}: --min-block must be at most ${largest}, since a block leaves room in a grid of ${grid} x ${grid} patches; ` +
        `got ${minBlock}. On 8 x 8 patches 5 is well`,
    );
  }
  return { rows: grid, columns: grid, count, minBlock };
}

/** The masks of a step: numbers 0, 1, ... of stream "mask" at that step, read picture by picture. */
function drawMasks(options: BlockMaskOptions, batch: number, { seed, step }: Moment): BatchMasks {
  const { rows, columns, count } = options;
  const patches = rows * columns;
  const random = new Random(seed, "mask", step);
  const mask = new Uint32Array(batch * patches);
  const order = new Uint32Array(batch * patches);
  const weights = new Float32Array(batch * count);
  let hidden = 0;
  for (let b = 0; b < batch; b++) {
    const own = blockMask(options, () => random.next());
    mask.set(own, b * patches);
    const all = Array.from(own.keys());
    const chosen = all.filter((patch) => own[patch] === 1);
    order.set([...chosen, ...all.filter((patch) => own[patch] === 0)], b * patches);
    weights.fill(1, b * count, b * count + chosen.length);
    hidden += chosen.length;
  }
  return { mask, order, weights: weights.map((weight) => weight / Math.max(1, hidden)) };
}

/**
 * The block masks of `batch` pictures as moving data, up to `maskedPatches` hidden in each, or exactly so many: a pure
 * function of (seed, step, place in the batch).
 */
export function movingMasks(
  method: string,
  encoder: VitConfig,
  settings: MaskSettings,
  { batch, exact }: { batch: number; exact: boolean },
): Record<keyof BatchMasks, Moving> {
  const options = { ...blocksOf(method, encoder, settings), exact };
  const patches = options.rows * options.columns;
  let drawn: { key: string; masks: BatchMasks } | null = null;
  const of =
    (part: keyof BatchMasks): Moving["at"] =>
    (moment) => {
      const key = `${moment.seed} ${moment.step}`; // three values of a step, drawn once
      if (drawn?.key !== key) drawn = { key, masks: drawMasks(options, batch, moment) };
      return drawn.masks[part];
    };
  return {
    mask: { dtype: "u32", shape: [batch, patches], at: of("mask") },
    order: { dtype: "u32", shape: [batch, patches], at: of("order") },
    weights: { dtype: "f32", shape: [batch, options.count], at: of("weights") },
  };
}
