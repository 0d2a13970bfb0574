// Vision Transformer, pre-norm, as in timm's vision_transformer.py (Dosovitskiy et al. 2021, arXiv:2010.11929) and the
// seven papers of the study: LayerNorm eps 1e-6, exact GELU, fused qkv with bias. Parameter names are timm's. What
// differs: images are [B, H, W, C], as pictures lie in memory.

import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { add, scale } from "../engine/ops/elementwise.ts";
import { expand } from "../engine/ops/expand.ts";
import { linear } from "../engine/ops/linear.ts";
import { patchify } from "../engine/ops/patchify.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { where } from "../engine/ops/where.ts";
import { type BlockConfig, type Training, trunk, trunkSpecs } from "./block.ts";
import { constant, type Initializer, normal } from "./init.ts";
import { type PositionKind, positionSpec, positionsFor } from "./positions.ts";
import { relativeBiasSpec } from "./relativePositions.ts";

export interface VitConfig extends BlockConfig {
  /** Side of the square pictures the positions are made for, pixels. */
  imageSize: number;
  patchSize: number;
  positions: PositionKind;
  /** Whether DeiT's distillation token, a second class token, stands between the class token and the patches. */
  distToken?: boolean;
}

/** [width, depth, heads] by name; micro and mini are ours, for small pictures. */
const SIZES: Record<string, readonly [number, number, number]> = {
  micro: [96, 4, 3],
  mini: [192, 6, 3],
  tiny: [192, 12, 3],
  small: [384, 12, 6],
  base: [768, 12, 12],
  large: [1024, 24, 16],
};

/** The configuration behind a timm-style name: `vit_small_patch16_224`, `vit_micro_patch4_32`, ... */
export function vitConfig(name: string, changes: Partial<VitConfig> = {}): VitConfig {
  const [, size, patch, image] = /^vit_([a-z]+)_patch(\d+)_(\d+)$/.exec(name) ?? [];
  const [embedDim, depth, numHeads] = SIZES[size ?? ""] ?? [];
  if (!embedDim || !depth || !numHeads) {
    const sizes = Object.keys(SIZES).join("|");
    throw new Error(
      `model: a name reads vit_{${sizes}}_patch{P}_{SIZE}, as vit_small_patch16_224; got "${name}"`,
    );
  }
  const config: VitConfig = {
    imageSize: Number(image),
    patchSize: Number(patch),
    embedDim,
    depth,
    numHeads,
    mlpRatio: 4,
    positions: "learned",
    ...changes,
  };
  if (config.imageSize % config.patchSize !== 0) {
    throw new Error(
      `model: the picture size must be a multiple of the patch size; got ${config.imageSize} and ${config.patchSize}`,
    );
  }
  return config;
}

/** Rows and columns of the patch grid. */
export const gridOf = ({ imageSize, patchSize }: VitConfig): number => imageSize / patchSize;

/** Tokens in front of the patches. */
export const classTokensOf = ({ distToken }: VitConfig): number => (distToken ? 2 : 1);

/** Every parameter of the encoder, without a head. */
export function vitSpecs(config: VitConfig, init: Initializer): ParameterSpec[] {
  const { embedDim, patchSize } = config;
  const inputs = 3 * patchSize * patchSize;
  return [
    { name: "cls_token", shape: [1, 1, embedDim], values: init.token("cls_token", embedDim) },
    ...(config.distToken ? [distTokenSpec(embedDim, init)] : []),
    ...(config.positions === "relative"
      ? [relativeBiasSpec(gridOf(config), config.numHeads)]
      : [positionSpec("pos_embed", config.positions, gridOf(config), embedDim, init, classTokensOf(config))]),
    {
      name: "patch_embed.proj.weight",
      shape: [embedDim, 3, patchSize, patchSize],
      get values() {
        return init.patch("patch_embed.proj.weight", embedDim, inputs);
      },
    },
    {
      name: "patch_embed.proj.bias",
      shape: [embedDim],
      values: init.patchBias("patch_embed.proj.bias", embedDim, inputs),
    },
    ...trunkSpecs({ blocks: "blocks", norm: "norm" }, config, init),
  ];
}

/** N(0, 0.02), as DeiT's. */
const distTokenSpec = (embedDim: number, init: Initializer): ParameterSpec => ({
  name: "dist_token",
  shape: [1, 1, embedDim],
  values: normal(init.random("dist_token"), embedDim, 0.02),
});

/**
 * images [B, H, W, 3] -> patch tokens with their positions, unless these are relative, [B, N, D]; the class token comes
 * later.
 */
export function embedPatches(params: Parameters, config: VitConfig, images: Tensor): Tensor {
  const { patchSize, embedDim } = config;
  const patches = patchify(images, patchSize, "channelsFirst"); // [B, N, 3 p p]
  const weight = reshape(params.get("patch_embed.proj.weight"), [embedDim, 3 * patchSize * patchSize]);
  const tokens = linear(patches, weight, params.get("patch_embed.proj.bias")); // [B, N, D]
  const grid = [images.shape[1]! / patchSize, images.shape[2]! / patchSize] as const;
  if (config.positions === "relative") {
    const own = gridOf(config);
    if (grid.every((side) => side === own)) return tokens;
    throw new Error(
      `vit: with relative positions pictures must have ${own} x ${own} patches; got ${grid.join(" x ")}. ` +
        `Resize them to ${config.imageSize} pixels`,
    );
  }
  const positions = positionsFor(params.get("pos_embed"), gridOf(config), grid); // [1, C + N, D]
  return add(tokens, slice(positions, 1, classTokensOf(config), positions.shape[1]!));
}

/**
 * `embedPatches` with `token` [1, 1, D] in the place of every hidden patch: its position is added as to any other.
 * images [B, H, W, 3], mask u32 [B, N], 1 hidden -> [B, N, D].
 */
export function embedMasked(
  params: Parameters,
  config: VitConfig,
  images: Tensor,
  mask: Tensor,
  token: Tensor,
): Tensor {
  const tokens = embedPatches(params, config, images);
  const first = classTokensOf(config);
  const placed = params.has("pos_embed")
    ? add(token, slice(params.get("pos_embed"), 1, first, first + tokens.shape[1]!))
    : token;
  return where(reshape(mask, [...mask.shape, 1]), placed, tokens);
}

/** Puts the class tokens, with their positions, in front. tokens [B, N, D] -> [B, C + N, D], C = 1 or DeiT's 2. */
export function prependClassToken(params: Parameters, tokens: Tensor): Tensor {
  const [batch, , width] = tokens.shape as [number, number, number];
  const own = params.has("dist_token")
    ? concat([params.get("cls_token"), params.get("dist_token")], 1)
    : params.get("cls_token"); // [1, C, D]
  const count = own.shape[1]!;
  const front = params.has("pos_embed") ? add(own, slice(params.get("pos_embed"), 1, 0, count)) : own;
  return concat([expand(front, [batch, count, width]), tokens], 1);
}

/**
 * The encoder's own blocks. tokens [B, 1 + N, D] of all or of some patches; bias [H, 1 + N, 1 + N] is that of relative
 * positions, which `encodeAny` supplies: an encoder without them carries none of its kernels.
 */
export function encode(
  params: Parameters,
  config: VitConfig,
  tokens: Tensor,
  training?: Training,
  bias?: Tensor,
): VitOutput {
  if ((config.positions === "relative") !== (bias !== undefined)) {
    throw new Error("encode: relative positions need their bias, and others have none. Use encodeAny");
  }
  return trunk(params, { blocks: "blocks", norm: "norm" }, config, tokens, training, bias);
}

export interface VitOutput {
  /** Tokens after the final norm, [B, C + N, D], the class token first and DeiT's distillation token next. */
  tokens: Tensor;
  /** Tokens after each block, before the final norm, each [B, C + N, D]. */
  blocks: Tensor[];
}

/** The whole encoder. images [B, H, W, 3], normalised, any size that patches divide -> tokens of every block. */
export function vit(params: Parameters, config: VitConfig, images: Tensor, training?: Training): VitOutput {
  const tokens = prependClassToken(params, embedPatches(params, config, images));
  return encode(params, config, tokens, training);
}

/** The classifiers of the class token (timm's `head`) and of the distillation token, by their places among the tokens. */
const HEADS = { head: 0, head_dist: 1 } as const;
type HeadName = keyof typeof HEADS;

/** A linear classifier on a class token, N(0, 0.01) unless told otherwise. */
export const headSpecs = (
  embedDim: number,
  classes: number,
  init: Initializer,
  name: HeadName = "head",
  std = 0.01,
): ParameterSpec[] => [
  {
    name: `${name}.weight`,
    shape: [classes, embedDim],
    values: normal(init.random(`${name}.weight`), classes * embedDim, std),
  },
  { name: `${name}.bias`, shape: [classes], values: constant(classes, 0) },
];

/** tokens [B, C + N, D] -> logits [B, K] of one head, from its own token. */
export function headLogits(params: Parameters, name: HeadName, tokens: Tensor): Tensor {
  const [batch, , width] = tokens.shape as [number, number, number];
  const token = reshape(slice(tokens, 1, HEADS[name], HEADS[name] + 1), [batch, width]);
  return linear(token, params.get(`${name}.weight`), params.get(`${name}.bias`));
}

/** tokens [B, C + N, D] -> logits [B, K]: the class token's or, where there is a second head, the mean of both. */
export function classify(params: Parameters, tokens: Tensor): Tensor {
  const logits = headLogits(params, "head", tokens);
  return params.has("head_dist.weight")
    ? scale(add(logits, headLogits(params, "head_dist", tokens)), 0.5)
    : logits;
}
