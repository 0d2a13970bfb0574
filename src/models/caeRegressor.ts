// CAE's regressor (Chen et al. 2022, arXiv:2202.03026; modeling_cae_helper.py, RegressorBlock): from what is seen to what the
// encoder would say of the hidden patches, by cross-attention.

import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { attention } from "../engine/ops/attention.ts";
import { concat } from "../engine/ops/concat.ts";
import { add, mul } from "../engine/ops/elementwise.ts";
import { expand } from "../engine/ops/expand.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { linear, mlp } from "../engine/ops/linear.ts";
import { dropOf, linearSpecs, normSpecs, type Training, vectorSpec, weightSpec } from "./block.ts";
import type { Initializer } from "./init.ts";
import type { VitConfig } from "./vit.ts";

const BLOCKS = "pretext_neck.regressor_blocks";
const NORM = "pretext_neck.norm";
const NORMS = ["norm1_q", "norm1_k", "norm1_v", "norm2_cross"];

/** The parameters of `regress`; `layerScale` of the encoder is the gammas' first value. */
export function regressorSpecs(
  { embedDim: width, mlpRatio, layerScale }: VitConfig,
  depth: number,
  init: Initializer,
): ParameterSpec[] {
  const blocks = Array.from({ length: depth }, (_, i): ParameterSpec[] => {
    const name = `${BLOCKS}.${i}`;
    const attn = `${name}.cross_attn`;
    return [
      ...NORMS.flatMap((norm) => normSpecs(`${name}.${norm}`, width)),
      ...["q", "k", "v"].map((part) => weightSpec(`${attn}.${part}`, width, width, init)),
      vectorSpec(`${attn}.q_bias`, width),
      vectorSpec(`${attn}.v_bias`, width),
      ...linearSpecs(`${attn}.proj`, width, width, init),
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
    const q = linear(
      normed("norm1_q", add(guess, hiddenPositions)),
      get("cross_attn.q.weight"),
      get("cross_attn.q_bias"),
    );
    const k = linear(normed("norm1_k", add(context, keyPositions)), get("cross_attn.k.weight"));
    const v = linear(normed("norm1_v", context), get("cross_attn.v.weight"), get("cross_attn.v_bias"));
    const proj = layer("cross_attn.proj");
    const attended = linear(attention(q, k, v, encoder.numHeads), proj.weight, proj.bias);
    // The MLP's residual is what its norm gives, not what enters the norm.
    const middle = normed("norm2_cross", add(guess, drop(mul(attended, get("gamma_1_cross")), 0)));
    const weights = { fc1: layer("mlp_cross.fc1"), fc2: layer("mlp_cross.fc2") };
    guess = add(middle, drop(mul(mlp(middle, weights, encoder.activation), get("gamma_2_cross")), 1));
  }
  return layerNorm(guess, params.get(`${NORM}.weight`), params.get(`${NORM}.bias`));
}
