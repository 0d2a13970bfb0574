// Cross-attention of CAE (Chen et al. 2022, arXiv:2202.03026): a layer norm each for queries, keys and values, whose projections
// are three linear layers, of which that of the keys has no bias. Its regressor and its attentive probe are made of it.

import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { attention } from "../engine/ops/attention.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { linear } from "../engine/ops/linear.ts";
import { linearSpecs, normSpecs, vectorSpec, weightSpec } from "./block.ts";
import type { Initializer } from "./init.ts";

const PARTS = ["q", "k", "v"] as const;

/** The norms in front of it. */
export const crossNormSpecs = (name: string, width: number): ParameterSpec[] =>
  PARTS.flatMap((part) => normSpecs(`${name}.norm1_${part}`, width));

/** The projections. */
export const crossAttentionSpecs = (name: string, width: number, init: Initializer): ParameterSpec[] => [
  ...PARTS.map((part) => weightSpec(`${name}.cross_attn.${part}`, width, width, init)),
  vectorSpec(`${name}.cross_attn.q_bias`, width),
  vectorSpec(`${name}.cross_attn.v_bias`, width),
  ...linearSpecs(`${name}.cross_attn.proj`, width, width, init),
];

/** What queries, keys and values are made of: q [B, N, D], k and v [B, M, D]. */
export interface CrossInputs {
  q: Tensor;
  k: Tensor;
  v: Tensor;
}

/** Norms, projections, attention and its output's projection -> [B, N, D]. */
export function crossAttention(params: Parameters, name: string, heads: number, inputs: CrossInputs): Tensor {
  const get = (suffix: string) => params.get(`${name}.${suffix}`);
  const normed = (part: keyof CrossInputs) =>
    layerNorm(inputs[part], get(`norm1_${part}.weight`), get(`norm1_${part}.bias`));
  const q = linear(normed("q"), get("cross_attn.q.weight"), get("cross_attn.q_bias"));
  const k = linear(normed("k"), get("cross_attn.k.weight"));
  const v = linear(normed("v"), get("cross_attn.v.weight"), get("cross_attn.v_bias"));
  return linear(attention(q, k, v, heads), get("cross_attn.proj.weight"), get("cross_attn.proj.bias"));
}
