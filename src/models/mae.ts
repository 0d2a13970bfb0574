// Masked autoencoder: He et al. 2022, arXiv:2111.06377; official file models_mae.py, whose function names these are.
// What differs: images are [B, H, W, C]; the masking noise comes from the counter-based generator.

import { fill } from "../engine/graph/fill.ts";
import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { argsort } from "../engine/ops/argsort.ts";
import { concat } from "../engine/ops/concat.ts";
import { add, mul, scale, sqrt, square, sub } from "../engine/ops/elementwise.ts";
import { expand } from "../engine/ops/expand.ts";
import { gather, gatherTokens } from "../engine/ops/gather.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { linear } from "../engine/ops/linear.ts";
import { mean } from "../engine/ops/mean.ts";
import { patchify } from "../engine/ops/patchify.ts";
import { uniform } from "../engine/ops/randomOps.ts";
import { slice } from "../engine/ops/slice.ts";
import { sum } from "../engine/ops/sum.ts";
import { fillPatches, grayPatches } from "../pictures/fillPatches.ts";
import { linearSpecs, type Training, trunk, trunkSpecs } from "./block.ts";
import { type Initializer, maeInit } from "./init.ts";
import type { Frame, Method, MethodModule } from "./method.ts";
import { positionSpec } from "./positions.ts";
import { areaRange, share, toggle, wholeNumber } from "./settings.ts";
import { embedPatches, gridOf, prependClassToken, type VitConfig, vitSpecs } from "./vit.ts";

export interface MaeConfig {
  encoder: VitConfig;
  decoderEmbedDim: number;
  decoderDepth: number;
  decoderNumHeads: number;
  /** Share of the patches that are removed, in [0, 1). */
  maskRatio: number;
  /** Whether targets are normalised by patch. */
  normPixLoss: boolean;
}

/** [width, depth, heads] of the decoder for an encoder at most this wide; 512 / 8 / 16 is the paper's. */
const DECODERS: readonly (readonly [number, readonly [number, number, number]])[] = [
  [96, [64, 2, 2]],
  [192, [96, 2, 3]],
  [384, [256, 4, 8]],
  [Number.POSITIVE_INFINITY, [512, 8, 16]],
];

/** The paper's settings around an encoder, with fixed sin-cos positions; smaller encoders get smaller decoders. */
export function maeConfig(encoder: VitConfig, changes: Partial<Omit<MaeConfig, "encoder">> = {}): MaeConfig {
  const [decoderEmbedDim, decoderDepth, decoderNumHeads] = DECODERS.find(
    ([most]) => encoder.embedDim <= most,
  )![1];
  const config: MaeConfig = {
    encoder: { ...encoder, positions: "sincos-mae" },
    decoderEmbedDim,
    decoderDepth,
    decoderNumHeads,
    maskRatio: 0.75,
    normPixLoss: true,
    ...changes,
  };
  const { maskRatio } = config;
  if (!(maskRatio > 0 && maskRatio < 1)) {
    throw new Error(`maskRatio must be in (0, 1); got ${maskRatio}. Is it a percentage?`);
  }
  const patches = gridOf(encoder) ** 2;
  const kept = keptTokens(config);
  if (kept < 1 || kept === patches) {
    const fault =
      kept < 1 ? "leaves no patch visible; use a smaller one" : "removes no patch; use a larger one";
    throw new Error(`maskRatio ${maskRatio} of ${patches} patches ${fault}`);
  }
  return config;
}

/** Number of visible patches. */
export const keptTokens = ({ encoder, maskRatio }: MaeConfig): number =>
  Math.floor(gridOf(encoder) ** 2 * (1 - maskRatio));

const decoderNames = { blocks: "decoder_blocks", norm: "decoder_norm" };

/** The decoder's parameters; the encoder's are `vitSpecs`. */
export function decoderSpecs(config: MaeConfig, init: Initializer): ParameterSpec[] {
  const { encoder, decoderEmbedDim: width, decoderDepth: depth } = config;
  const pixels = 3 * encoder.patchSize * encoder.patchSize;
  return [
    ...linearSpecs("decoder_embed", encoder.embedDim, width, init),
    { name: "mask_token", shape: [1, 1, width], values: init.token("mask_token", width) },
    positionSpec("decoder_pos_embed", "sincos-mae", gridOf(encoder), width, init),
    ...trunkSpecs(decoderNames, { embedDim: width, depth, mlpRatio: encoder.mlpRatio }, init),
    ...linearSpecs("decoder_pred", width, pixels, init),
  ];
}

export interface Masking {
  /** u32 [B, M]: the visible patches. */
  idsKeep: Tensor;
  /** u32 [B, N]: undoes the shuffle. */
  idsRestore: Tensor;
  /** f32 [B, N]: 0 visible, 1 removed, in the order of the picture. */
  mask: Tensor;
}

/** Random masking by sorting noise: the `keep` patches with the least noise stay. noise [B, N]. */
export function randomMasking(noise: Tensor, keep: number): Masking {
  const [batch, tokens] = noise.shape as [number, number];
  const idsShuffle = argsort(noise); // [B, N]
  const idsRestore = argsort(idsShuffle);
  const shuffled = Float32Array.from({ length: batch * tokens }, (_, i) => (i % tokens < keep ? 0 : 1));
  const mask = gather(Tensor.from(noise.device, shuffled, [batch, tokens]), 1, idsRestore);
  return { idsKeep: slice(idsShuffle, 1, 0, keep), idsRestore, mask };
}

/** images [B, H, W, 3] -> latent [B, 1 + M, D] of the class token and the visible patches. */
export function forwardEncoder(
  params: Parameters,
  { encoder }: MaeConfig,
  images: Tensor,
  { idsKeep }: Masking,
  training?: Training,
): Tensor {
  const tokens = embedPatches(params, encoder, images); // [B, N, D]
  const visible = gatherTokens(tokens, idsKeep, { unique: true }); // [B, M, D]
  const latent = prependClassToken(params, visible); // [B, 1 + M, D]
  return trunk(params, { blocks: "blocks", norm: "norm" }, encoder, latent, training).tokens;
}

/** latent [B, 1 + M, D] -> predicted pixels of every patch, [B, N, 3 p p]. */
export function forwardDecoder(
  params: Parameters,
  config: MaeConfig,
  latent: Tensor,
  { idsRestore }: Masking,
  training?: Training,
): Tensor {
  const { decoderDepth: depth, decoderNumHeads: numHeads, decoderEmbedDim: width } = config;
  const [batch, patches] = idsRestore.shape as [number, number];
  const x = linear(latent, params.get("decoder_embed.weight"), params.get("decoder_embed.bias")); // [B, 1 + M, Dd]
  const kept = x.shape[1]! - 1;
  const removed = expand(params.get("mask_token"), [batch, patches - kept, width]);
  const shuffled = concat([slice(x, 1, 1, kept + 1), removed], 1); // [B, N, Dd]
  const ordered = gatherTokens(shuffled, idsRestore, { unique: true });
  const tokens = add(concat([slice(x, 1, 0, 1), ordered], 1), params.get("decoder_pos_embed")); // [B, 1 + N, Dd]
  const decoded = trunk(params, decoderNames, { depth, numHeads }, tokens, training).tokens;
  const withoutClass = slice(decoded, 1, 1, patches + 1); // [B, N, Dd]
  return linear(withoutClass, params.get("decoder_pred.weight"), params.get("decoder_pred.bias"));
}

/** Added to a patch's variance. */
const NORM_PIX_EPS = 1e-6;

/**
 * What the decoder should predict: the pixels of every patch, normalised by patch to mean 0 and unbiased variance 1
 * when `normPixLoss`. images [B, H, W, 3] -> [B, N, p p 3], channels last.
 */
export function targets({ encoder, normPixLoss }: MaeConfig, images: Tensor): Tensor {
  const patches = patchify(images, encoder.patchSize);
  if (!normPixLoss) return patches;
  // (x - mean) / sqrt(n/(n-1) v + eps) with the biased variance v is a layer norm with eps scaled by (n-1)/n.
  const n = patches.shape[2]!;
  const ratio = (n - 1) / n;
  return scale(layerNorm(patches, undefined, undefined, NORM_PIX_EPS * ratio), Math.sqrt(ratio));
}

/**
 * The pictures with what is predicted in their removed patches. With `normPixLoss` a prediction says nothing about a patch's
 * own mean and deviation, so these are taken from the picture (the demo of the official code). images [B, H, W, 3], pred
 * [B, N, p p 3], mask [B, N] -> [B, H, W, 3]
 */
export function completedPictures(
  { encoder, normPixLoss }: Pick<MaeConfig, "encoder" | "normPixLoss">,
  images: Tensor,
  pred: Tensor,
  mask: Tensor,
): Tensor {
  const { patchSize } = encoder;
  if (!normPixLoss) return fillPatches(images, mask, pred, patchSize);
  const patches = patchify(images, patchSize);
  const n = patches.shape[2]!;
  const center = mean(patches, -1, true);
  const variance = scale(mean(square(sub(patches, center)), -1, true), n / (n - 1)); // unbiased
  const deviation = sqrt(add(variance, fill(images.device, [], NORM_PIX_EPS)));
  return fillPatches(images, mask, add(mul(pred, deviation), center), patchSize);
}

/** Mean squared error over the removed patches. pred [B, N, P], mask [B, N] -> []. */
export function forwardLoss(
  config: MaeConfig,
  images: Tensor,
  pred: Tensor,
  { mask, idsKeep }: Masking,
): Tensor {
  const byPatch = mean(square(sub(pred, targets(config, images))), -1); // [B, N]
  const removed = mask.size - idsKeep.size;
  return scale(sum(mul(byPatch, mask)), 1 / removed);
}

export interface MaeOutput {
  loss: Tensor;
  pred: Tensor;
  masking: Masking;
}

/** One forward pass from given noise [B, N]. images [B, H, W, 3] -> loss [], pred [B, N, 3 p p]. */
export function mae(
  params: Parameters,
  config: MaeConfig,
  images: Tensor,
  noise: Tensor,
  training?: Training,
): MaeOutput {
  const masking = randomMasking(noise, keptTokens(config));
  const latent = forwardEncoder(params, config, images, masking, training);
  const pred = forwardDecoder(params, config, latent, masking, training);
  return { loss: forwardLoss(config, images, pred, masking), pred, masking };
}

/** The masking noise of a step: U(0, 1), a pure function of seed and step. -> [batch, N] */
export function maskingNoise({ encoder }: MaeConfig, batch: number, { seed, step }: Training): Tensor {
  return uniform(step.device, [batch, gridOf(encoder) ** 2], { seed, stream: "mask", step });
}

/** What a run of MAE is asked for; sizes of 0 follow from the encoder's width. */
export interface MaeSettings extends Omit<MaeConfig, "encoder"> {
  /** Range of the crop's share of the area. */
  cropScale: readonly [number, number];
}

/** The configuration behind settings. */
export function maeConfigOf({ encoder }: Pick<Frame, "encoder">, settings: MaeSettings): MaeConfig {
  const { cropScale: _, maskRatio, normPixLoss, ...sizes } = settings;
  const asked = Object.entries(sizes).filter(([, size]) => size !== 0);
  return maeConfig(encoder, { maskRatio, normPixLoss, ...Object.fromEntries(asked) });
}

export function maeMethod(frame: Frame, settings: MaeSettings): Method<never> {
  const config = maeConfigOf(frame, settings);
  const { encoder } = config;
  return {
    name: "mae",
    encoder: { network: "model", config: encoder },
    networks(seed) {
      const init = maeInit(seed);
      return { model: [...vitSpecs(encoder, init), ...decoderSpecs(config, init)] };
    },
    views: [{ size: encoder.imageSize, count: 1, scale: settings.cropScale }],
    moving: {},
    metrics: [],
    record({ networks, views, training }) {
      const [images] = views as [Tensor];
      const drawing = training(0);
      const noise = maskingNoise(config, images.shape[0]!, drawing);
      return { loss: mae(networks.model!, config, images, noise, drawing).loss };
    },
    sights({ networks, views, training }) {
      const [images] = views as [Tensor];
      const noise = maskingNoise(config, images.shape[0]!, training(0));
      const { pred, masking } = mae(networks.model!, config, images, noise);
      return {
        masked: grayPatches(images, masking.mask, encoder.patchSize),
        completed: completedPictures(config, images, pred, masking.mask),
      };
    },
  };
}

export const maeModule: MethodModule<MaeSettings> = {
  about: "Masked autoencoder: predict the pixels of hidden patches (He et al. 2022).",
  reading: "mean",
  settings: {
    maskRatio: share("--mask-ratio <x>", "share of the patches removed", 0.75),
    normPixLoss: toggle("--norm-pix", "predict pixels normalised by patch, plain ones without", true),
    decoderEmbedDim: wholeNumber(
      "--decoder-dim <n>",
      "width of the decoder, 0 for one that fits the encoder",
      0,
    ),
    decoderDepth: wholeNumber("--decoder-depth <n>", "blocks of the decoder, 0 for what fits the encoder", 0),
    decoderNumHeads: wholeNumber(
      "--decoder-heads <n>",
      "heads of the decoder, 0 for what fits the encoder",
      0,
    ),
    cropScale: areaRange("--crop-scale <low,high>", "share of the area that a crop has", [0.2, 1]),
  },
  recipes: {
    paper: {
      source: "ViT-B/16: MAE's PRETRAIN.md, 800 epochs",
      batchSize: 4096,
      epochs: 800,
      betas: [0.9, 0.95],
      lr: { kind: "warmupCosine", base: 1.5e-4, per: 256, min: 0, warmup: 0.05 },
      weightDecay: 0.05,
      clip: null,
      config: {},
    },
    small: {
      source: "32 px, 64 tokens, .3 to 1 M pictures: measured for this project",
      batchSize: 256,
      epochs: 100,
      betas: [0.9, 0.95],
      lr: { kind: "warmupCosine", base: 1.5e-3, min: 1e-6, warmup: 0.1 },
      weightDecay: 0.05,
      clip: null,
      config: { decoderDepth: 1, cropScale: [0.4, 1] },
    },
  },
  make: maeMethod,
};
