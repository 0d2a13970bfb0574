import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { relativeBias } from "./relativePositions.ts";
import { encode, gridOf, type Training, type VitConfig, type VitOutput } from "./vit.ts";

/** `encode` of an encoder with relative positions: their bias is in every block. tokens [B, 1 + N, D] of all patches. */
export const encodeRelative = (
  params: Parameters,
  config: VitConfig,
  tokens: Tensor,
  training?: Training,
): VitOutput => encode(params, config, tokens, training, relativeBias(params, gridOf(config)));
