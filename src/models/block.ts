// The blocks of a Vision Transformer, pre-norm, as in timm's vision_transformer.py: LayerNorm eps 1e-6, exact GELU, fused qkv
// with bias. Encoders and decoders are made of them; parameter names are timm's.

import { fill } from "../engine/graph/fill.ts";
import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { recompute } from "../engine/graph/recompute.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { selfAttention } from "../engine/ops/attention.ts";
import { concat } from "../engine/ops/concat.ts";
import { dropPath } from "../engine/ops/dropout.ts";
import { add, mul } from "../engine/ops/elementwise.ts";
import type { Gelu } from "../engine/ops/gemm.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { linear, mlp } from "../engine/ops/linear.ts";
import { constant, type Initializer } from "./init.ts";

/** Pre-norm blocks of one width. */
export interface BlockConfig {
  embedDim: number;
  depth: number;
  numHeads: number;
  mlpRatio: number;
  /** Drop-path rate of the last block; it grows linearly from 0. */
  dropPath?: number;
  /** First value of the layer-scale gammas; none without. */
  layerScale?: number;
  /** Whether queries and values alone have a bias: BEiT's `q_bias` and `v_bias`. Softmax ignores a bias of the keys. */
  noKeyBias?: boolean;
  /** GELU by the error function (all seven papers) or its tanh form; the former when absent. */
  activation?: Gelu;
}

/** How a forward pass that is trained differs from one that is read. */
export interface Training {
  /** Drop-path and masks draw their numbers from this seed at this step. */
  seed: number;
  /** u32 []: the step counter. */
  step: Tensor;
  /** Which of a step's passes through a network this is; 0 when absent. Each draws drop paths of its own. */
  pass?: number;
  /**
   * Keep only what enters each block and compute the block again for its gradient: the same bits in less memory and
   * more time. timm's `set_grad_checkpointing`.
   */
  gradCheckpointing?: boolean;
}

/** Sites of one pass; more than the blocks of any network here have. */
const SITES = 256;

/** Where a random op of a pass draws its numbers. */
export const siteOf = ({ pass = 0 }: Training, site: number): number => pass * SITES + site;

/** The parameters of a layer norm. */
export const normSpecs = (name: string, width: number): ParameterSpec[] => [
  vectorSpec(`${name}.weight`, width, 1),
  vectorSpec(`${name}.bias`, width),
];

/** The weight of a linear layer. */
export const weightSpec = (
  name: string,
  inputs: number,
  outputs: number,
  init: Initializer,
): ParameterSpec => ({
  name: `${name}.weight`,
  shape: [outputs, inputs],
  get values() {
    return init.linear(`${name}.weight`, outputs, inputs);
  },
});

/** A vector of one value: a bias of 0, a gamma. */
export const vectorSpec = (name: string, width: number, value = 0): ParameterSpec => ({
  name,
  shape: [width],
  values: constant(width, value),
});

/** The parameters of a linear layer. */
export const linearSpecs = (
  name: string,
  inputs: number,
  outputs: number,
  init: Initializer,
): ParameterSpec[] => [weightSpec(name, inputs, outputs, init), vectorSpec(`${name}.bias`, outputs)];

/** The parameters of `depth` blocks and the norm after them. */
export function trunkSpecs(
  { blocks, norm }: { blocks: string; norm: string },
  config: Pick<BlockConfig, "embedDim" | "depth" | "mlpRatio" | "layerScale" | "noKeyBias">,
  init: Initializer,
): ParameterSpec[] {
  const { embedDim, depth, mlpRatio, layerScale, noKeyBias } = config;
  const specs: ParameterSpec[] = [];
  const hidden = embedDim * mlpRatio;
  const gamma = (name: string) => (layerScale === undefined ? [] : [vectorSpec(name, embedDim, layerScale)]);
  const qkv = (attn: string) =>
    noKeyBias
      ? [
          weightSpec(`${attn}.qkv`, embedDim, 3 * embedDim, init),
          vectorSpec(`${attn}.q_bias`, embedDim),
          vectorSpec(`${attn}.v_bias`, embedDim),
        ]
      : linearSpecs(`${attn}.qkv`, embedDim, 3 * embedDim, init);
  for (let i = 0; i < depth; i++) {
    const block = `${blocks}.${i}`;
    specs.push(
      ...normSpecs(`${block}.norm1`, embedDim),
      ...qkv(`${block}.attn`),
      ...linearSpecs(`${block}.attn.proj`, embedDim, embedDim, init),
      ...gamma(`${block}.ls1.gamma`),
      ...normSpecs(`${block}.norm2`, embedDim),
      ...linearSpecs(`${block}.mlp.fc1`, embedDim, hidden, init),
      ...linearSpecs(`${block}.mlp.fc2`, hidden, embedDim, init),
      ...gamma(`${block}.ls2.gamma`),
    );
  }
  return [...specs, ...normSpecs(norm, embedDim)];
}

/** Drops a branch of a block; `site` tells the block's two branches apart. */
export type BranchDrop = (branch: Tensor, site: number) => Tensor;

/** Drop-path of block i of a pass: the rate grows linearly to that of the last block; null where nothing is dropped. */
export function dropOf(
  { depth, dropPath: rate = 0 }: Pick<BlockConfig, "depth" | "dropPath">,
  i: number,
  training?: Training,
): BranchDrop | null {
  const p = (rate * i) / Math.max(1, depth - 1); // torch.linspace(0, rate, depth)
  if (!training || p === 0) return null;
  const { seed, step } = training;
  return (branch, site) => dropPath(branch, p, { seed, step, site: siteOf(training, 2 * i + site) });
}

/**
 * Blocks and the norm after them. x [B, N, D] -> the tokens after the norm, and those after every block.
 * `names` are the prefixes of the parameters, so that a decoder is the same code; `bias` [H, N, N] is every block's.
 */
export function trunk(
  params: Parameters,
  names: { blocks: string; norm: string },
  config: Pick<BlockConfig, "depth" | "numHeads" | "dropPath" | "activation">,
  x: Tensor,
  training?: Training,
  bias?: Tensor,
): { tokens: Tensor; blocks: Tensor[] } {
  const blocks: Tensor[] = [];
  let tokens = x;
  for (let i = 0; i < config.depth; i++) {
    const drop = dropOf(config, i, training);
    const run = (input: Tensor) => block(params, `${names.blocks}.${i}`, config, input, drop, bias);
    tokens = training?.gradCheckpointing ? recompute(run, tokens) : run(tokens);
    blocks.push(tokens);
  }
  return {
    tokens: layerNorm(tokens, params.get(`${names.norm}.weight`), params.get(`${names.norm}.bias`)),
    blocks,
  };
}

/** x += drop(γ1 attention(norm1 x));  x += drop(γ2 mlp(norm2 x)). */
function block(
  params: Parameters,
  name: string,
  { numHeads, activation }: Pick<BlockConfig, "numHeads" | "activation">,
  x: Tensor,
  drop: BranchDrop | null,
  bias?: Tensor,
): Tensor {
  const layer = (suffix: string) => ({
    weight: params.get(`${name}.${suffix}.weight`),
    bias: params.get(`${name}.${suffix}.bias`),
  });
  /** residual + drop(γ branch); without γ and drop the branch's last kernel adds the residual itself. */
  const onto = (
    residual: Tensor,
    gamma: string,
    site: number,
    branch: (residual?: Tensor) => Tensor,
  ): Tensor => {
    const scaled = params.has(`${name}.${gamma}`);
    if (!scaled && !drop) return branch(residual);
    const y = scaled ? mul(branch(), params.get(`${name}.${gamma}`)) : branch();
    return add(residual, drop ? drop(y, site) : y);
  };
  const proj = layer("attn.proj");
  const attended = selfAttention(qkvOf(params, name, x), numHeads, bias);
  const middle = onto(x, "ls1.gamma", 0, (residual) => linear(attended, proj.weight, proj.bias, residual));
  const weights = { fc1: layer("mlp.fc1"), fc2: layer("mlp.fc2") };
  const norm2 = layer("norm2");
  const normedMiddle = layerNorm(middle, norm2.weight, norm2.bias);
  return onto(middle, "ls2.gamma", 1, (residual) => mlp(normedMiddle, weights, activation, residual));
}

/** What the attention of block `name` works on: x [B, N, D] -> queries, keys and values [B, N, 3 D]. */
export function qkvOf(params: Parameters, name: string, x: Tensor): Tensor {
  const normed = layerNorm(x, params.get(`${name}.norm1.weight`), params.get(`${name}.norm1.bias`));
  return linear(normed, params.get(`${name}.attn.qkv.weight`), qkvBias(params, `${name}.attn`));
}

/** [3 D]: what is trained as one, or the parts of queries and values with 0 for the keys. */
function qkvBias(params: Parameters, name: string): Tensor {
  if (!params.has(`${name}.q_bias`)) return params.get(`${name}.qkv.bias`);
  const [q, v] = [params.get(`${name}.q_bias`), params.get(`${name}.v_bias`)];
  return concat([q, fill(q.device, q.shape, 0), v], 0);
}
