// CAE: Chen et al. 2022, "Context Autoencoder for Self-Supervised Representation Learning", arXiv:2202.03026; official files
// modeling_cae.py, modeling_cae_helper.py, engine_for_pretraining.py.
// What differs: without a file of DALL-E's encoder tokens are codes (tokens.ts); regressor and decoder are as wide as the encoder,
// as in the published ViT-B; a vit_small has timm's 6 heads, where the official cae_small has 12. The teacher is a copy of the
// parameters that the step before began with: the official step copies the encoder after the teacher has been used and before
// the update, and so does this one.

import { fill } from "../engine/graph/fill.ts";
import { stopGradient } from "../engine/graph/op.ts";
import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { argsort } from "../engine/ops/argsort.ts";
import { crossEntropy } from "../engine/ops/crossEntropy.ts";
import { add, scale } from "../engine/ops/elementwise.ts";
import { expand } from "../engine/ops/expand.ts";
import { gather, gatherTokens } from "../engine/ops/gather.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import { linear } from "../engine/ops/linear.ts";
import { meanSquaredError } from "../engine/ops/loss.ts";
import { mean } from "../engine/ops/mean.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { ema } from "../engine/optim/ema.ts";
import { grayPatches } from "../pictures/fillPatches.ts";
import { movingMasks, withMaskSizes } from "./batchMasks.ts";
import {
  accuracy,
  type MaskedEncoderConfig,
  maskedSettings,
  maskedViews,
  smallMasked,
  tokensSetting,
} from "./beit.ts";
import { linearSpecs, type Training, trunk, trunkSpecs } from "./block.ts";
import { regress, regressorSpecs } from "./caeRegressor.ts";
import { patchTokens } from "./heads.ts";
import { caeInit, type Initializer } from "./init.ts";
import type { Frame, Method, MethodModule } from "./method.ts";
import { epochsOf } from "./recipe.ts";
import { positiveNumber, wholeNumber } from "./settings.ts";
import { frontOf } from "./teacher.ts";
import { CODEBOOK } from "./tokenizer.ts";
import { type TokenConfig, tokenSource } from "./tokens.ts";
import { embedPatches, encode, prependClassToken, type VitConfig, vitSpecs } from "./vit.ts";

export interface CaeConfig extends MaskedEncoderConfig, TokenConfig {
  /** Blocks that turn what is seen into what is hidden, and blocks that name it. */
  regressorDepth: number;
  decoderDepth: number;
  /** Of the distance to the teacher's representations, beside the cross-entropy. */
  alignment: number;
}

const HEAD = "pretext_neck.head";
const DECODER = { blocks: "pretext_neck.decoder_blocks", norm: "pretext_neck.norm2" };

/** Mask token, regressor, decoder and head. */
const neckSpecs = (encoder: VitConfig, config: CaeConfig, init: Initializer): ParameterSpec[] => [
  { name: "mask_token", shape: [1, 1, encoder.embedDim], values: init.token("mask_token", encoder.embedDim) },
  ...regressorSpecs(encoder, config.regressorDepth, init),
  ...trunkSpecs(DECODER, { ...encoder, depth: config.decoderDepth }, init),
  ...linearSpecs(HEAD, encoder.embedDim, config.tokens, init),
];

/** What the encoder makes of some patches and the class token, which is dropped. chosen u32 [B, M] -> [B, M, D]. */
function encodeChosen(
  params: Parameters,
  encoder: VitConfig,
  images: Tensor,
  chosen: Tensor,
  training: Training,
): Tensor {
  const patches = gatherTokens(embedPatches(params, encoder, images), chosen, { unique: true });
  const { tokens } = encode(params, encoder, prependClassToken(params, patches), training);
  return patchTokens(tokens);
}

/** The fixed positions of some patches, [B, M, D]. */
function positionsOf(params: Parameters, chosen: Tensor): Tensor {
  const positions = params.get("pos_embed");
  const [, tokens, width] = positions.shape as [number, number, number];
  return indexSelect(reshape(slice(positions, 1, 1, tokens), [tokens - 1, width]), chosen);
}

/** What the regressor guesses of each patch from all of them. tokens [B, 1 + N, D] -> [B, N, D] */
function regressed(params: Parameters, encoder: VitConfig, depth: number, tokens: Tensor): Tensor {
  const seen = patchTokens(tokens);
  const positions = expand(patchTokens(params.get("pos_embed")), seen.shape);
  const places = { seen, seenPositions: positions, hiddenPositions: positions };
  return regress(params, encoder, depth, places);
}

/** Half of the patches are hidden where the settings do not say how many. */
const fitted = (encoder: VitConfig, config: CaeConfig): CaeConfig => withMaskSizes(encoder, config, 0.5);

export function cae({ encoder: given, batchSize: batch }: Frame, asked: CaeConfig): Method<"order"> {
  const config = fitted(given, asked);
  const { layerScale, dropPath, maskedPatches, alignment } = config;
  const encoder: VitConfig = { ...given, positions: "sincos-moco", noKeyBias: true, layerScale, dropPath };
  const { order } = movingMasks("cae", encoder, config, { batch, exact: true });
  const source = tokenSource(encoder, config);
  return {
    ...source.parts,
    name: "cae",
    encoder: { network: "model", config: encoder },
    projections: {
      regressor: {
        dim: encoder.embedDim,
        of: (params, tokens) => mean(regressed(params, encoder, config.regressorDepth, tokens), 1),
        ofPatches: (params, tokens) => regressed(params, encoder, config.regressorDepth, tokens),
      },
    },
    lossOnly: [DECODER.blocks, DECODER.norm, HEAD, CODEBOOK],
    networks(seed) {
      const init = caeInit(seed);
      const base = vitSpecs(encoder, init);
      const model = [...base, ...neckSpecs(encoder, config, init), ...source.buffers(init)];
      return { model, teacher: base, ...source.networks };
    },
    views: source.views(maskedViews(encoder, config)),
    moving: { order },
    metrics: ["accuracy", "alignment"],
    record({ networks, views, value, training, guard, beforeUpdate }) {
      const { model, teacher } = networks as { model: Parameters; teacher: Parameters };
      const [images] = views as [Tensor];
      const chosen = value("order");
      const hidden = slice(chosen, 1, 0, maskedPatches); // [B, M]
      const visible = slice(chosen, 1, maskedPatches, chosen.shape[1]!);
      const seen = encodeChosen(model, encoder, images, visible, training(0));
      const target = stopGradient(encodeChosen(teacher, encoder, images, hidden, training(1))); // in training mode
      const hiddenPositions = positionsOf(model, hidden);
      const places = { seen, seenPositions: positionsOf(model, visible), hiddenPositions };
      const guess = regress(model, encoder, config.regressorDepth, places, training(2));
      const deep: VitConfig = { ...encoder, depth: config.decoderDepth };
      const decoded = trunk(model, DECODER, deep, add(guess, hiddenPositions), training(3)).tokens;
      const logits = linear(decoded, model.get(`${HEAD}.weight`), model.get(`${HEAD}.bias`));
      const targets = source.targets({ networks, views }, hidden); // [B, M]
      const distance = meanSquaredError(guess, target);
      const loss = add(crossEntropy(logits, targets), scale(distance, alignment));
      beforeUpdate(() => ema(teacher.trained, frontOf(model, teacher), fill(images.device, [], 0), guard)); // a copy
      const share = fill(images.device, hidden.shape, 1 / hidden.size);
      return {
        loss,
        metrics: { accuracy: accuracy(logits, targets, share), alignment: stopGradient(distance) },
      };
    },
    sights({ views, value }) {
      const [images] = views as [Tensor];
      const [batch, patches] = value("order").shape as [number, number];
      const flags = Float32Array.from({ length: batch * patches }, (_, i) =>
        Number(i % patches < maskedPatches),
      );
      const inOrder = Tensor.from(images.device, flags, [batch, patches]);
      const mask = gather(inOrder, 1, argsort(value("order")));
      return { masked: grayPatches(images, mask, encoder.patchSize) };
    },
  };
}

/** In a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
function caeModuleOf(): MethodModule<CaeConfig> {
  return {
    about:
      "Predict the representations of hidden patches and their tokens from the visible ones (Chen et al. 2022).",
    reading: "mean",
    settings: {
      ...maskedSettings,
      maskedPatches: {
        ...maskedSettings.maskedPatches,
        help: "patches hidden in each picture; 0 for half of the grid",
        value: 98,
      },
      jitter: { ...maskedSettings.jitter, value: 0 },
      tokens: tokensSetting,
      regressorDepth: wholeNumber("--regressor-depth <n>", "blocks of the regressor", 4, 1),
      decoderDepth: wholeNumber("--decoder-depth <n>", "blocks of the decoder", 4, 1),
      alignment: positiveNumber("--alignment <x>", "weight of the distance to the teacher", 2),
    },
    recipes: {
      paper: {
        source:
          "ViT-B/16: CAE's cae_base_800e.sh with the README's 1600 epochs and 40 of warm-up on ImageNet-1k; the rate is for its batch",
        batchSize: 2048,
        epochs: 1600,
        betas: [0.9, 0.999],
        lr: { kind: "linspaceCosine", base: 1.5e-3, min: 1e-5, warmup: epochsOf(40, 1600) },
        weightDecay: 0.05,
        clip: { limit: 3, by: "model" },
        config: {},
      },
      small: {
        ...smallMasked,
        config: {
          maskedPatches: 0,
          minBlock: 0,
          regressorDepth: 2,
          decoderDepth: 2,
          dropPath: 0,
          cropScale: [0.4, 1],
          tokens: 512,
        },
      },
    },
    tokenizer: "tokens",
    fitted,
    make: cae,
  };
}

export const caeModule = caeModuleOf();
