/**
 * Where the class token looks in the last block, head by head: Caron et al. 2021, arXiv:2104.14294, figures 1 and 3; official
 * file visualize_attention.py.
 */
import type { Parameters } from "../../engine/graph/parameters.ts";
import type { Tensor } from "../../engine/graph/tensor.ts";
import { add, scale } from "../../engine/ops/elementwise.ts";
import { matmul } from "../../engine/ops/matmul.ts";
import { permute } from "../../engine/ops/permute.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { slice } from "../../engine/ops/slice.ts";
import { softmax } from "../../engine/ops/softmax.ts";
import { qkvOf } from "../../models/block.ts";
import { relativeBias } from "../../models/relativePositions.ts";
import { anyVit } from "../../models/relativeVit.ts";
import { classTokensOf, embedPatches, gridOf, prependClassToken, type VitConfig } from "../../models/vit.ts";
import type { MapEncoder } from "./featureMaps.ts";

/**
 * The class token's attention to every patch in the last block, as a map with a feature for each head: [B, rows, columns, H].
 * What it keeps for class tokens is left out, so that a head's map adds up to less than 1.
 */
export const attentionEncoder = (params: Parameters, config: VitConfig): MapEncoder<"attention"> => ({
  encode(images) {
    const [batch, height, width] = images.shape as [number, number, number];
    const first = classTokensOf(config);
    const rows = classAttention(params, config, images); // [B, H, C + N]
    const patches = slice(rows, 2, first, rows.shape[2]!);
    const grid = [batch, height / config.patchSize, width / config.patchSize, config.numHeads];
    return { attention: reshape(permute(patches, [0, 2, 1]), grid) };
  },
});

/** softmax(q kᵀ / √d + bias) of the class token in the last block. images [B, H, W, 3] -> [B, heads, C + N], rows of sum 1. */
export function classAttention(params: Parameters, config: VitConfig, images: Tensor): Tensor {
  const { depth, embedDim, numHeads } = config;
  const x =
    depth > 1
      ? anyVit(params, config, images).blocks[depth - 2]!
      : prependClassToken(params, embedPatches(params, config, images));
  const [batch, tokens] = x.shape as [number, number];
  const qkv = qkvOf(params, `blocks.${depth - 1}`, x);
  const part = (i: number, count: number): Tensor => {
    const own = slice(slice(qkv, 2, i * embedDim, (i + 1) * embedDim), 1, 0, count);
    return permute(reshape(own, [batch, count, numHeads, embedDim / numHeads]), [0, 2, 1, 3]);
  };
  const products = matmul(part(0, 1), part(1, tokens), { transposeB: true }); // [B, heads, 1, C + N]
  const scores = scale(products, 1 / Math.sqrt(embedDim / numHeads));
  const biased =
    config.positions === "relative"
      ? add(scores, slice(relativeBias(params, gridOf(config)), 1, 0, 1))
      : scores;
  return reshape(softmax(biased), [batch, numHeads, tokens]);
}

/**
 * The fewest patches that hold at least this share of a map's sum: 1 for each of them, 0 for others; of equal ones the first.
 * map [N], not negative, share in (0, 1]; 0.6 in the paper's figures.
 */
export function holdingShare(map: ArrayLike<number>, share: number): Uint8Array {
  if (!(share > 0 && share <= 1)) {
    throw new Error(`holdingShare: the share must be above 0 and at most 1; got ${share}`);
  }
  const order = Array.from(map, (_, i) => i).sort((a, b) => map[b]! - map[a]! || a - b);
  const total = order.reduce((sum, i) => sum + map[i]!, 0);
  const mask = new Uint8Array(map.length);
  let held = 0;
  for (const i of order) {
    if (held >= share * total) break;
    held += map[i]!;
    mask[i] = 1;
  }
  return mask;
}
