// BEiT: Bao et al. 2021, "BEiT: BERT Pre-Training of Image Transformers", arXiv:2106.08254; official files modeling_pretrain.py
// (VisionTransformerForMaskedImageModeling), masking_generator.py, datasets.py, engine_for_pretraining.py.
// What differs: without a file of DALL-E's encoder tokens are codes of the very crop that the encoder sees (tokens.ts); colours
// are jittered after the crop; masks come from the counter-based generator.

import { fill } from "../engine/graph/fill.ts";
import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { specWith } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { cast } from "../engine/ops/cast.ts";
import { crossEntropy } from "../engine/ops/crossEntropy.ts";
import { mul, sub } from "../engine/ops/elementwise.ts";
import { gatherTokens } from "../engine/ops/gather.ts";
import { linear } from "../engine/ops/linear.ts";
import { argmax } from "../engine/ops/max.ts";
import { slice } from "../engine/ops/slice.ts";
import { sum } from "../engine/ops/sum.ts";
import { where } from "../engine/ops/where.ts";
import { colorJitter } from "../pictures/colorJitter.ts";
import { grayPatches } from "../pictures/fillPatches.ts";
import { type MaskSettings, movingMasks, withMaskSizes } from "./batchMasks.ts";
import { linearSpecs, type Training } from "./block.ts";
import { beitInit, type Initializer, maeInit } from "./init.ts";
import type { Frame, Method, MethodModule, Settings, ViewGroup } from "./method.ts";
import { epochsOf, type Recipe } from "./recipe.ts";
import { encodeAny } from "./relativeVit.ts";
import {
  addedLater,
  areaRange,
  positiveNumber,
  share,
  shareBelowOne,
  toggle,
  wholeNumber,
} from "./settings.ts";
import { CODEBOOK } from "./tokenizer.ts";
import { type TokenConfig, tokenSource } from "./tokens.ts";
import { embedMasked, prependClassToken, type VitConfig, type VitOutput, vitSpecs } from "./vit.ts";

/** What the methods that hide blocks share. */
export interface MaskedEncoderConfig extends MaskSettings {
  /** First value of the gammas. */
  layerScale: number;
  /** Of the last block. */
  dropPath: number;
  cropScale: readonly [number, number];
  /** Range of the factors of brightness, contrast and saturation around 1. */
  jitter: number;
}

/** What BEiT and data2vec share. */
export interface BeitEncoderConfig extends MaskedEncoderConfig {
  /** Learn a bias of attention for how patches lie to each other, or add fixed sines and cosines to the patches. */
  relativePositions: boolean;
}

export interface BeitConfig extends BeitEncoderConfig, TokenConfig {}

/** The encoder of BEiT and data2vec: positions of its own, gammas, no bias of the keys. */
export const beitEncoder = (
  given: VitConfig,
  { relativePositions, layerScale, dropPath }: BeitEncoderConfig,
): VitConfig => {
  const positions = relativePositions ? "relative" : "sincos-moco";
  return { ...given, positions, noKeyBias: true, layerScale, dropPath };
};

/** Its first values: MAE's where positions are fixed, since beside sines and cosines patches as small as BEiT's are lost. */
export const beitEncoderInit = (
  seed: number,
  { relativePositions }: Pick<BeitEncoderConfig, "relativePositions">,
): Initializer => (relativePositions ? beitInit(seed) : maeInit(seed));

/** Its parameters; the class token is not decayed (no_weight_decay). */
export const beitEncoderSpecs = (encoder: VitConfig, init: Initializer): ParameterSpec[] =>
  vitSpecs(encoder, init).map((spec) =>
    spec.name === "cls_token" ? specWith(spec, { decay: false }) : spec,
  );

/** The token that stands for a hidden patch, and the head that reads it. */
export const maskedHeadSpecs = (
  { embedDim }: VitConfig,
  outputs: number,
  init: Initializer,
): ParameterSpec[] => [
  { name: "mask_token", shape: [1, 1, embedDim], values: init.token("mask_token", embedDim) },
  ...linearSpecs("lm_head", embedDim, outputs, init),
];

/** All patches pass, the hidden ones as the mask token. images [B, H, W, 3], mask u32 [B, N] -> tokens of every block. */
export function encodeMasked(
  params: Parameters,
  encoder: VitConfig,
  images: Tensor,
  mask: Tensor,
  training?: Training,
): VitOutput {
  const seen = embedMasked(params, encoder, images, mask, params.get("mask_token")); // [B, N, D]
  return encodeAny(params, encoder, prependClassToken(params, seen), training);
}

/** How the names of its parameters begin. */
export const MASKED_HEAD = ["mask_token", "lm_head."];

/** The head's answers at the patches `hidden`. tokens [B, 1 + N, D], hidden u32 [B, M] -> [B, M, outputs]. */
export function maskedHead(params: Parameters, tokens: Tensor, hidden: Tensor): Tensor {
  const patches = slice(tokens, 1, 1, tokens.shape[1]!);
  const chosen = gatherTokens(patches, hidden, { unique: true });
  return linear(chosen, params.get("lm_head.weight"), params.get("lm_head.bias"));
}

/** One crop, jittered always (datasets.py). */
export const maskedViews = (
  { imageSize }: VitConfig,
  { cropScale, jitter }: Pick<MaskedEncoderConfig, "cropScale" | "jitter">,
): ViewGroup[] => {
  const factors = { brightness: jitter, contrast: jitter, saturation: jitter, hue: 0 };
  const augment = jitter > 0 ? [colorJitter(factors)] : [];
  return [{ size: imageSize, count: 1, scale: cropScale, augment }];
};

/** Share of the rows whose largest logit is the target's. logits [B, M, K], targets u32 [B, M], weights [B, M] -> []. */
export function accuracy(logits: Tensor, targets: Tensor, weights: Tensor): Tensor {
  const off = sub(cast(argmax(logits, -1), "f32"), cast(targets, "f32")); // token numbers are exact in f32
  return sum(where(off, fill(off.device, [], 0), weights));
}

/** 40 % of the patches are hidden where the settings do not say how many. */
const fitted = (encoder: VitConfig, config: BeitConfig): BeitConfig => withMaskSizes(encoder, config, 0.4);

export function beit(
  { encoder: given, batchSize: batch }: Frame,
  asked: BeitConfig,
): Method<"mask" | "order" | "weights"> {
  const config = fitted(given, asked);
  const encoder = beitEncoder(given, config);
  const source = tokenSource(encoder, config);
  return {
    ...source.parts,
    name: "beit",
    encoder: { network: "model", config: encoder },
    lossOnly: [...MASKED_HEAD, CODEBOOK],
    networks(seed) {
      const init = beitEncoderInit(seed, config);
      return {
        model: [
          ...beitEncoderSpecs(encoder, init),
          ...maskedHeadSpecs(encoder, config.tokens, init),
          ...source.buffers(init),
        ],
        ...source.networks,
      };
    },
    views: source.views(maskedViews(encoder, config)),
    moving: movingMasks("beit", encoder, config, { batch, exact: false }),
    metrics: ["accuracy"],
    record({ networks, views, value, training }) {
      const model = networks.model!;
      const [images] = views as [Tensor];
      const hidden = slice(value("order"), 1, 0, config.maskedPatches); // [B, M]
      const targets = source.targets({ networks, views }, hidden); // [B, M]
      const { tokens } = encodeMasked(model, encoder, images, value("mask"), training(0));
      const logits = maskedHead(model, tokens, hidden); // [B, M, K]
      const each = crossEntropy(logits, targets, { reduction: "none" });
      const weights = value("weights"); // the mean over the hidden patches of the batch
      return { loss: sum(mul(each, weights)), metrics: { accuracy: accuracy(logits, targets, weights) } };
    },
    sights: ({ views, value }) => ({
      masked: grayPatches(views[0]!, value("mask"), encoder.patchSize),
    }),
  };
}

/** Settings of masks, encoder and crops, with BEiT's values. */
export const maskedSettings: Settings<MaskedEncoderConfig> = {
  maskedPatches: wholeNumber(
    "--masked-patches <n>",
    "patches hidden in each picture, at most; 0 for 40 % of the grid",
    75,
  ),
  minBlock: wholeNumber(
    "--min-block <n>",
    "smallest area of a hidden block, in patches; 0 for 8 % of the grid",
    16,
  ),
  layerScale: positiveNumber("--layer-scale <x>", "first factor of what a block adds", 0.1),
  dropPath: shareBelowOne("--drop-path <p>", "of the last block", 0.1),
  cropScale: areaRange("--crop-scale <low,high>", "share of the area that a crop has", [0.08, 1]),
  jitter: share("--jitter <x>", "range of brightness, contrast and saturation", 0.4),
};

/** In a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
export function beitEncoderSettings(): Settings<BeitEncoderConfig> {
  return {
    ...maskedSettings,
    relativePositions: addedLater(
      toggle(
        "--relative-positions",
        "learn a bias of attention; without it fixed sines and cosines are added to the patches",
        true,
      ),
      true,
    ),
  };
}

/** What the small recipes of the methods that hide blocks share. */
export const smallMasked = {
  source: "32 px, 64 tokens, .3 to 1 M pictures: chosen for this project, not tuned",
  batchSize: 256,
  epochs: 100,
  betas: [0.9, 0.999],
  lr: { kind: "linspaceCosine", base: 1.5e-3, min: 1e-6, warmup: 0.1 },
  weightDecay: 0.05,
  clip: { limit: 3, by: "model" },
} as const satisfies Omit<Recipe<BeitConfig>, "config">;

export const tokensSetting = wholeNumber("--tokens <n>", "codes of the tokenizer", 8192, 2);

/** In a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
function beitModuleOf(): MethodModule<BeitConfig> {
  return {
    about: "Predict the tokens of hidden patches, all patches passing the encoder (Bao et al. 2021).",
    reading: "mean",
    settings: { ...beitEncoderSettings(), tokens: tokensSetting },
    recipes: {
      paper: {
        source: "ViT-B/16: BEiT's README, 800 epochs on ImageNet-1k; the rate is for its batch",
        batchSize: 2048,
        epochs: 800,
        betas: [0.9, 0.999],
        lr: { kind: "linspaceCosine", base: 1.5e-3, min: 1e-5, warmup: epochsOf(10, 800) },
        weightDecay: 0.05,
        clip: { limit: 3, by: "model" },
        config: {},
      },
      small: {
        ...smallMasked,
        // A bias that begins at 0 and moves by a rate at a time is still below .5 after 400 steps: attention sees no places.
        config: {
          relativePositions: false,
          maskedPatches: 0,
          minBlock: 0,
          dropPath: 0,
          cropScale: [0.4, 1],
          tokens: 512,
        },
      },
    },
    tokenizer: "tokens",
    fitted,
    make: beit,
  };
}

export const beitModule = beitModuleOf();
