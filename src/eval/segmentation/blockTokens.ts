import type { Parameters } from "../../engine/graph/parameters.ts";
import type { Tensor } from "../../engine/graph/tensor.ts";
import { concat } from "../../engine/ops/concat.ts";
import { patchify } from "../../engine/ops/patchify.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { slice } from "../../engine/ops/slice.ts";
import { anyVit } from "../../models/relativeVit.ts";
import { classTokensOf, type VitConfig } from "../../models/vit.ts";

/** A frozen encoder as segmentation reads it. */
export interface BlockEncoder {
  patchSize: number;
  /** F, features of a token. */
  dim: number;
  /** Normalised pictures [B, H, W, 3] -> tokens on their grid, [B, H / p, W / p, F]. */
  encode(images: Tensor): Tensor;
}

/**
 * The blocks that segmentation reads, from 0: those at a third, half, two thirds and all of the depth, [3, 5, 7, 11] of 12 and
 * [7, 11, 15, 23] of 24 as published; every block of an encoder with four or fewer.
 */
export function blocksRead(depth: number): number[] {
  const ends = [Math.floor(depth / 3), Math.floor(depth / 2), Math.ceil((2 * depth) / 3), depth];
  return [...new Set(ends)].filter((end) => end > 0).map((end) => end - 1);
}

/** A ViT: what those blocks give, before the final norm, without class tokens, one after the other; F = D for each. */
export function blockTokens(params: Parameters, config: VitConfig): BlockEncoder {
  const { patchSize, depth, embedDim } = config;
  const read = blocksRead(depth);
  return {
    patchSize,
    dim: read.length * embedDim,
    encode(images) {
      const { blocks } = anyVit(params, config, images);
      const tokens = read.map((i) => slice(blocks[i]!, 1, classTokensOf(config)));
      return onGrid(concat(tokens, 2), images, patchSize);
    },
  };
}

/** The floor: the pixels of each patch themselves; F = 3 p p. */
export const patchPixels = (patchSize: number): BlockEncoder => ({
  patchSize,
  dim: 3 * patchSize * patchSize,
  encode: (images) => onGrid(patchify(images, patchSize), images, patchSize),
});

/** tokens [B, N, F] -> [B, rows, columns, F] */
function onGrid(tokens: Tensor, images: Tensor, patchSize: number): Tensor {
  const [batch, height, width] = images.shape as [number, number, number];
  return reshape(tokens, [batch, height / patchSize, width / patchSize, tokens.shape[2]!]);
}
