import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import type { Training } from "./block.ts";
import { relativeBias } from "./relativePositions.ts";
import {
  embedPatches,
  encode,
  gridOf,
  prependClassToken,
  type VitConfig,
  type VitOutput,
  vit,
} from "./vit.ts";

/** `encode` of an encoder with relative positions: their bias is in every block. tokens [B, 1 + N, D] of all patches. */
export const encodeRelative = (
  params: Parameters,
  config: VitConfig,
  tokens: Tensor,
  training?: Training,
): VitOutput => encode(params, config, tokens, training, relativeBias(params, gridOf(config)));

/** The whole encoder of any method, as probes read it. images [B, H, W, 3], normalised -> tokens of every block. */
export function anyVit(params: Parameters, config: VitConfig, images: Tensor): VitOutput {
  if (config.positions !== "relative") return vit(params, config, images);
  return encodeRelative(params, config, prependClassToken(params, embedPatches(params, config, images)));
}
