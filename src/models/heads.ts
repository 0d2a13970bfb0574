// Heads that several methods share: an MLP with batch norm (MoCo v3), and a bottleneck onto weight-normed prototypes (DINO,
// iBOT).

import type { Guard } from "../engine/graph/guard.ts";
import { type ParameterSpec, type Parameters, specWith } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { batchNorm } from "../engine/ops/batchNorm.ts";
import { gelu, mul, relu } from "../engine/ops/elementwise.ts";
import { linear } from "../engine/ops/linear.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { normalize } from "../engine/ops/normalize.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { linearSpecs } from "./block.ts";
import { constant, type Initializer, symmetric } from "./init.ts";
import type { Projection } from "./method.ts";

/** tokens [B, C + N, D], C of them class tokens -> the first one [B, D]. */
export function classToken(tokens: Tensor): Tensor {
  const [batch, , width] = tokens.shape as [number, number, number];
  return reshape(slice(tokens, 1, 0, 1), [batch, width]);
}

/** tokens [B, 1 + N, D] -> the patches [B, N, D]. */
export const patchTokens = (tokens: Tensor): Tensor => slice(tokens, 1, 1, tokens.shape[1]!);

/** Weight of torch.nn.Linear as it leaves its constructor: U(±1/√inputs). */
const torchLinear = (init: Initializer, name: string, outputs: number, inputs: number): ParameterSpec => ({
  name,
  shape: [outputs, inputs],
  get values() {
    return symmetric(init.random(name), outputs * inputs, 1 / Math.sqrt(inputs));
  },
});

/** Widths of an MLP with batch norm, inputs first: [D, 4096, 4096, 256] is MoCo v3's projector. */
export type Widths = readonly number[];

/** In a torch.nn.Sequential of Linear, BatchNorm1d and ReLU, a layer begins every three modules. */
const layersOf = (name: string, widths: Widths) =>
  widths.slice(1).map((outputs, i) => ({
    weight: `${name}.${3 * i}.weight`,
    norm: `${name}.${3 * i + 1}`,
    inputs: widths[i]!,
    outputs,
    isLast: i === widths.length - 2,
  }));

/** Parameters and running statistics of `batchNormMlp`; the last norm has no scale and shift. */
export function batchNormMlpSpecs(name: string, widths: Widths, init: Initializer): ParameterSpec[] {
  return layersOf(name, widths).flatMap(({ weight, norm, inputs, outputs, isLast }) => {
    const affine: ParameterSpec[] = [
      { name: `${norm}.weight`, shape: [outputs], values: constant(outputs, 1) },
      { name: `${norm}.bias`, shape: [outputs], values: constant(outputs, 0) },
    ];
    return [
      torchLinear(init, weight, outputs, inputs),
      ...(isLast ? [] : affine),
      { name: `${norm}.running_mean`, shape: [outputs], values: constant(outputs, 0), trained: false },
      { name: `${norm}.running_var`, shape: [outputs], values: constant(outputs, 1), trained: false },
    ];
  });
}

/**
 * Linear without bias, batch norm, ReLU; the last layer without ReLU and without the norm's scale and shift.
 * x [B, D] -> [B, last width]. With a guard the batch's statistics are used and move the running ones (training).
 */
export function batchNormMlp(
  params: Parameters,
  name: string,
  widths: Widths,
  x: Tensor,
  guard?: Guard,
): Tensor {
  let y = x;
  for (const { weight, norm, isLast } of layersOf(name, widths)) {
    const normed = batchNorm(linear(y, params.get(weight)), {
      ...(isLast ? {} : { weight: params.get(`${norm}.weight`), bias: params.get(`${norm}.bias`) }),
      runningMean: params.get(`${norm}.running_mean`),
      runningVar: params.get(`${norm}.running_var`),
      training: guard !== undefined,
      ...(guard && { guard }),
    });
    y = isLast ? normed : relu(normed);
  }
  return y;
}

/** DINO's head: three linear layers onto a bottleneck of length 1, and prototypes of length weight_g. */
export interface PrototypeHead {
  hiddenDim: number;
  bottleneckDim: number;
  prototypes: number;
  /** Keep the prototypes' lengths at 1. */
  normLastLayer: boolean;
}

/** Parameters of `bottleneck` and `prototypesOf`, under the names of DINO's checkpoints; the last layer's may begin late. */
export function prototypeHeadSpecs(
  name: string,
  width: number,
  head: PrototypeHead,
  init: Initializer,
): ParameterSpec[] {
  const { hiddenDim, bottleneckDim, prototypes, normLastLayer } = head;
  return [
    ...linearSpecs(`${name}.mlp.0`, width, hiddenDim, init),
    ...linearSpecs(`${name}.mlp.2`, hiddenDim, hiddenDim, init),
    ...linearSpecs(`${name}.mlp.4`, hiddenDim, bottleneckDim, init),
    specWith(torchLinear(init, `${name}.last_layer.weight_v`, prototypes, bottleneckDim), { late: true }),
    {
      name: `${name}.last_layer.weight_g`,
      shape: [prototypes, 1],
      values: constant(prototypes, 1),
      trained: !normLastLayer,
      late: true,
    },
  ];
}

/** What is compared with the prototypes. x [..., D] -> [..., b], of length 1. */
export function bottleneck(params: Parameters, name: string, x: Tensor): Tensor {
  const layer = (i: number, input: Tensor) =>
    linear(input, params.get(`${name}.mlp.${i}.weight`), params.get(`${name}.mlp.${i}.bias`));
  return normalize(layer(4, gelu(layer(2, gelu(layer(0, x))))));
}

/** The prototypes [K, b], of length weight_g; a bottleneck's logits are its products with them. */
export const prototypesOf = (params: Parameters, name: string): Tensor =>
  mul(normalize(params.get(`${name}.last_layer.weight_v`)), params.get(`${name}.last_layer.weight_g`));

/** What DINO's head makes of a token: its bottleneck [b], and the logits of its prototypes [K]. */
export function headProjections(name: string, head: PrototypeHead): Record<string, Projection> {
  const logits = (params: Parameters, x: Tensor): Tensor =>
    matmul(bottleneck(params, name, x), prototypesOf(params, name), { transposeB: true });
  return {
    bottleneck: {
      dim: head.bottleneckDim,
      of: (params, tokens) => bottleneck(params, name, classToken(tokens)),
      ofPatches: (params, tokens) => bottleneck(params, name, patchTokens(tokens)),
    },
    prototypes: {
      dim: head.prototypes,
      of: (params, tokens) => logits(params, classToken(tokens)),
      ofPatches: (params, tokens) => logits(params, patchTokens(tokens)),
    },
  };
}
