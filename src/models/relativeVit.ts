import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import type { Training } from "./block.ts";
import { relativeBias } from "./relativePositions.ts";
import { embedPatches, encode, gridOf, prependClassToken, type VitConfig, type VitOutput } from "./vit.ts";

/** `encode` of an encoder with positions of any kind: the bias of relative ones is in every block. tokens [B, 1 + N, D] */
export const encodeAny = (
  params: Parameters,
  config: VitConfig,
  tokens: Tensor,
  training?: Training,
): VitOutput => {
  const bias = config.positions === "relative" ? relativeBias(params, gridOf(config)) : undefined;
  return encode(params, config, tokens, training, bias);
};

/** The whole encoder of any method, as probes read it or labels train it. images [B, H, W, 3], normalised -> tokens of every block. */
export const anyVit = (
  params: Parameters,
  config: VitConfig,
  images: Tensor,
  training?: Training,
): VitOutput =>
  encodeAny(params, config, prependClassToken(params, embedPatches(params, config, images)), training);
