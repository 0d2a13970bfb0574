// The masks of a batch as data of a step: what BEiT, data2vec, CAE and iBOT hide.

import { Random } from "../engine/random.ts";
import { type BlockMaskOptions, blockMask, randomMask } from "./blockMasks.ts";
import type { Moving } from "./method.ts";
import { gridOf, type VitConfig } from "./vit.ts";

/** What a method asks of its masks. */
export interface MaskSettings {
  /** Patches hidden: at most so many, or exactly; 0 for a share of the grid, see `withMaskSizes`. */
  maskedPatches: number;
  /** Smallest area that a block is drawn from, in patches; 0 for one that fits the grid. */
  minBlock: number;
}

/** Settings with what 0 stands for: `share` of the grid's patches, and blocks from 8 % of it on, as BEiT's 16 of 196 are. */
export function withMaskSizes<C extends MaskSettings>(encoder: VitConfig, config: C, share: number): C {
  const patches = gridOf(encoder) ** 2;
  return {
    ...config,
    maskedPatches: config.maskedPatches || Math.ceil(share * patches),
    minBlock: config.minBlock || Math.max(1, Math.floor((16 / 196) * patches)),
  };
}

/** Which patches of each picture of a batch are hidden. */
interface BatchMasks {
  /** u32 [B, N]: 1 hidden. */
  mask: Uint32Array;
  /** u32 [B, N]: the hidden patches of a picture in the order of the picture, then its others. */
  order: Uint32Array;
  /** f32 [B, count]: those of the hidden patches in front of `order`, 0 where there are fewer; 1 in all, or below in iBOT. */
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

interface MaskSizes {
  batch: number;
  patches: number;
  /** Most patches hidden in one picture. */
  count: number;
}

/** Masks [patches] of the pictures, as a step reads them; `weightOf` has those hidden in a picture and in all. */
function packed(
  masks: readonly Uint8Array[],
  { patches, count }: MaskSizes,
  weightOf: (own: number, all: number) => number,
): BatchMasks {
  const mask = new Uint32Array(masks.length * patches);
  const order = new Uint32Array(masks.length * patches);
  const weights = new Float32Array(masks.length * count);
  const hidden = masks.map((own) => own.reduce((sum, bit) => sum + bit, 0));
  const all = hidden.reduce((sum, own) => sum + own, 0);
  for (const [b, own] of masks.entries()) {
    mask.set(own, b * patches);
    const places = Array.from(own.keys());
    const of = (bit: number) => places.filter((patch) => own[patch] === bit);
    order.set([...of(1), ...of(0)], b * patches);
    weights.fill(weightOf(hidden[b]!, all), b * count, b * count + hidden[b]!);
  }
  return { mask, order, weights };
}

/** Masks as moving data; `draw` is a pure function of the random numbers 0, 1, ... of stream "mask" at a step. */
function moving(
  sizes: MaskSizes,
  draw: (next: () => number) => Uint8Array,
  weightOf: (own: number, all: number) => number,
): Record<keyof BatchMasks, Moving> {
  const { batch, patches, count } = sizes;
  let drawn: { key: string; masks: BatchMasks } | null = null;
  const of =
    (part: keyof BatchMasks): Moving["at"] =>
    ({ seed, step }) => {
      const key = `${seed} ${step}`; // three values of a step, drawn once
      if (drawn?.key !== key) {
        const random = new Random(seed, "mask", step);
        const masks = Array.from({ length: batch }, () => draw(() => random.next()));
        drawn = { key, masks: packed(masks, sizes, weightOf) };
      }
      return drawn.masks[part];
    };
  return {
    mask: { dtype: "u32", shape: [batch, patches], at: of("mask") },
    order: { dtype: "u32", shape: [batch, patches], at: of("order") },
    weights: { dtype: "f32", shape: [batch, count], at: of("weights") },
  };
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
  const sizes = { batch, patches: options.rows * options.columns, count: options.count };
  return moving(
    sizes,
    (next) => blockMask(options, next),
    (_, all) => 1 / all,
  );
}

/** What iBOT asks of its masks. */
export interface PredSettings {
  /** Share of a crop's patches that are hidden, and how far it may be from that; uniform between. */
  predRatio: number;
  predRatioVar: number;
  /** Share of the crops that have a mask at all. */
  predShare: number;
  /** Hide single patches, not blocks. */
  randomMasks: boolean;
}

/**
 * iBOT's masks of `crops` crops as moving data: a mask of its own ratio for each, or none; a crop's hidden patches weigh the
 * same and all crops, those without a mask included, alike (loader.py's ImageFolderMask, iBOTLoss).
 */
export function movingPredMasks(
  method: string,
  encoder: VitConfig,
  { predRatio, predRatioVar, predShare, randomMasks }: PredSettings,
  crops: number,
): Record<keyof BatchMasks, Moving> {
  const grid = gridOf(encoder);
  const patches = grid * grid;
  const [low, high] = [predRatio - predRatioVar, predRatio + predRatioVar];
  const count = Math.floor(high * patches);
  if (!(low >= 0 && count >= 1 && count < patches)) {
    throw new Error(
      `${method}: --pred-ratio ± --pred-ratio-var must hide from 1 to below the ${patches} patches of a crop; ` +
        `got ${predRatio} ± ${predRatioVar}. iBOT has 0.3 ± 0.2`,
    );
  }
  const minBlock = Math.floor(grid / 3) ** 2;
  const draw = (next: () => number): Uint8Array => {
    const ratio = low + (high - low) * next();
    const asked = next() < predShare ? ratio * patches : 0;
    return randomMasks
      ? randomMask(patches, Math.floor(asked), next)
      : blockMask({ rows: grid, columns: grid, count: asked, minBlock }, next);
  };
  return moving({ batch: crops, patches, count }, draw, (own) => 1 / (crops * own));
}
