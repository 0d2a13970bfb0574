// CAE's regressor (Chen et al. 2022, arXiv:2202.03026; modeling_cae_helper.py, RegressorBlock): from what is seen to what the
// encoder would say of the hidden patches, by cross-attention.

import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { add, mul } from "../engine/ops/elementwise.ts";
import { expand } from "../engine/ops/expand.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { mlp } from "../engine/ops/linear.ts";
import { dropOf, linearSpecs, normSpecs, type Training, vectorSpec } from "./block.ts";
import { crossAttention, crossAttentionSpecs, crossNormSpecs } from "./crossAttention.ts";
import type { Initializer } from "./init.ts";
import type { VitConfig } from "./vit.ts";

const BLOCKS = "pretext_neck.regressor_blocks";
const NORM = "pretext_neck.norm";

/** The parameters of `regress`; `layerScale` of the encoder is the gammas' first value. */
export function regressorSpecs(
  { embedDim: width, mlpRatio, layerScale }: VitConfig,
  depth: number,
  init: Initializer,
): ParameterSpec[] {
  const blocks = Array.from({ length: depth }, (_, i): ParameterSpec[] => {
    const name = `${BLOCKS}.${i}`;
    return [
      ...crossNormSpecs(name, width),
      ...normSpecs(`${name}.norm2_cross`, width),
      ...crossAttentionSpecs(name, width, init),
      ...linearSpecs(`${name}.mlp_cross.fc1`, width, mlpRatio * width, init),
      ...linearSpecs(`${name}.mlp_cross.fc2`, mlpRatio * width, width, init),
      vectorSpec(`${name}.gamma_1_cross`, width, layerScale),
      vectorSpec(`${name}.gamma_2_cross`, width, layerScale),
    ];
  });
  return [...blocks.flat(), ...normSpecs(NORM, width)];
}

/** What the regressor works on. */
export interface Places {
  /** The encoder's tokens of visible patches, [B, V, D], which stay as they are. */
  seen: Tensor;
  /** Where these lie, and where the M hidden patches lie: [B, V, D] and [B, M, D]. */
  seenPositions: Tensor;
  hiddenPositions: Tensor;
}

/**
 * Guesses the representations of hidden patches, which begin as the mask token; each block asks what is seen and what the
 * block before has guessed. -> [B, M, D] after the regressor's norm.
 */
export function regress(
  params: Parameters,
  encoder: VitConfig,
  depth: number,
  { seen, seenPositions, hiddenPositions }: Places,
  training?: Training,
): Tensor {
  const keyPositions = concat([seenPositions, hiddenPositions], 1);
  let guess = expand(params.get("mask_token"), hiddenPositions.shape);
  for (let i = 0; i < depth; i++) {
    const name = `${BLOCKS}.${i}`;
    const get = (suffix: string) => params.get(`${name}.${suffix}`);
    const layer = (suffix: string) => ({ weight: get(`${suffix}.weight`), bias: get(`${suffix}.bias`) });
    const normed = (suffix: string, x: Tensor) =>
      layerNorm(x, get(`${suffix}.weight`), get(`${suffix}.bias`));
    const drop = dropOf({ ...encoder, depth }, i, training) ?? ((branch: Tensor) => branch);
    const context = concat([seen, guess], 1);
    const attended = crossAttention(params, name, encoder.numHeads, {
      q: add(guess, hiddenPositions),
      k: add(context, keyPositions),
      v: context,
    });
    // The MLP's residual is what its norm gives, not what enters the norm.
    const middle = normed("norm2_cross", add(guess, drop(mul(attended, get("gamma_1_cross")), 0)));
    const weights = { fc1: layer("mlp_cross.fc1"), fc2: layer("mlp_cross.fc2") };
    guess = add(middle, drop(mul(mlp(middle, weights, encoder.activation), get("gamma_2_cross")), 1));
  }
  return layerNorm(guess, params.get(`${NORM}.weight`), params.get(`${NORM}.bias`));
}
