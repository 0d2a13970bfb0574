// data2vec for pictures: Baevski et al. 2022, arXiv:2202.03555; official repository data2vec_vision, files
// engine_for_cyclical.py, modeling_cyclical.py, and the recipe of its beit/README.md.
// What differs: no dropout of attention (.05 in the recipe); colours are jittered after the crop; masks come from the
// counter-based generator.

import { stopGradient } from "../engine/graph/op.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { add, mul, scale } from "../engine/ops/elementwise.ts";
import { gatherTokens } from "../engine/ops/gather.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { smoothL1 } from "../engine/ops/loss.ts";
import { mean } from "../engine/ops/mean.ts";
import { slice } from "../engine/ops/slice.ts";
import { sum } from "../engine/ops/sum.ts";
import { ema } from "../engine/optim/ema.ts";
import { grayPatches } from "../pictures/fillPatches.ts";
import { movingMasks, withMaskSizes } from "./batchMasks.ts";
import {
  type BeitEncoderConfig,
  beitEncoder,
  beitEncoderInit,
  beitEncoderSettings,
  beitEncoderSpecs,
  encodeMasked,
  MASKED_HEAD,
  maskedHead,
  maskedHeadSpecs,
  maskedSettings,
  maskedViews,
  smallMasked,
} from "./beit.ts";
import { FEATURE_SIGNS, featureSigns } from "./collapse.ts";
import { classToken } from "./heads.ts";
import type { Frame, Method, MethodModule } from "./method.ts";
import { epochsOf } from "./recipe.ts";
import { encodeAny } from "./relativeVit.ts";
import { positiveNumber, share, wholeNumber } from "./settings.ts";
import { frontOf } from "./teacher.ts";
import { embedPatches, prependClassToken, type VitConfig } from "./vit.ts";

export interface Data2vecConfig extends BeitEncoderConfig {
  /** Last blocks whose outputs make the target; half of the encoder's when 0. */
  targetBlocks: number;
  /** Of the teacher, throughout. */
  momentum: number;
  /** Distance from which the loss grows linearly. */
  beta: number;
}

/** What the teacher's averaged blocks are normed with: torch's default, without scale and shift. */
const norm = (x: Tensor): Tensor => layerNorm(x, undefined, undefined, 1e-5);

/** What the student should say of each patch: LN(mean over the last blocks of LN(block)). images -> [B, N, D]. */
export function contextTargets(
  teacher: Parameters,
  encoder: VitConfig,
  images: Tensor,
  targetBlocks: number,
): { targets: Tensor; classTokens: Tensor } {
  const { blocks, tokens } = encodeAny(
    teacher,
    encoder,
    prependClassToken(teacher, embedPatches(teacher, encoder, images)),
  );
  const normed = blocks.slice(-targetBlocks).map((block) => norm(slice(block, 1, 1, block.shape[1]!)));
  const average = scale(normed.reduce(add), 1 / normed.length);
  return { targets: stopGradient(norm(average)), classTokens: classToken(tokens) };
}

/** 60 % of the patches are hidden where the settings do not say how many. */
const fitted = (encoder: VitConfig, config: Data2vecConfig): Data2vecConfig =>
  withMaskSizes(encoder, config, 0.6);

export function data2vec(
  { encoder: given, batchSize: batch }: Frame,
  asked: Data2vecConfig,
): Method<"mask" | "order" | "weights" | "momentum"> {
  const config = fitted(given, asked);
  const encoder = beitEncoder(given, config);
  const targetBlocks = config.targetBlocks || Math.ceil(encoder.depth / 2);
  if (targetBlocks > encoder.depth) {
    throw new Error(
      `data2vec: --target-blocks must be at most the ${encoder.depth} of the encoder; got ${targetBlocks}. Use 0 for half of them`,
    );
  }
  return {
    name: "data2vec",
    encoder: { network: "student", config: encoder },
    lossOnly: MASKED_HEAD,
    networks(seed) {
      const init = beitEncoderInit(seed, config);
      const base = beitEncoderSpecs(encoder, init);
      return { student: [...base, ...maskedHeadSpecs(encoder, encoder.embedDim, init)], teacher: base };
    },
    views: maskedViews(encoder, config),
    moving: {
      ...movingMasks("data2vec", encoder, config, { batch, exact: false }),
      momentum: { dtype: "f32", at: () => config.momentum },
    },
    metrics: FEATURE_SIGNS,
    record({ networks, views, value, training, guard, afterUpdate }) {
      const { student, teacher } = networks as { student: Parameters; teacher: Parameters };
      const [images] = views as [Tensor];
      const hidden = slice(value("order"), 1, 0, config.maskedPatches); // [B, M]
      const { targets, classTokens } = contextTargets(teacher, encoder, images, targetBlocks);
      const { tokens } = encodeMasked(student, encoder, images, value("mask"), training(0));
      const said = maskedHead(student, tokens, hidden); // [B, M, D]
      const wanted = gatherTokens(targets, hidden);
      const each = mean(smoothL1(said, wanted, config.beta, { reduction: "none" }), -1); // [B, M]
      afterUpdate(() => ema(teacher.trained, frontOf(student, teacher), value("momentum"), guard));
      return { loss: sum(mul(each, value("weights"))), metrics: featureSigns(classTokens) };
    },
    sights: ({ views, value }) => ({
      masked: grayPatches(views[0]!, value("mask"), encoder.patchSize),
    }),
  };
}

/** In a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
function data2vecModuleOf(): MethodModule<Data2vecConfig> {
  return {
    about:
      "Predict what a momentum teacher makes of the whole picture at hidden patches (Baevski et al. 2022).",
    reading: "mean",
    settings: {
      ...beitEncoderSettings(),
      maskedPatches: {
        ...maskedSettings.maskedPatches,
        help: "patches hidden in each picture, at most; 0 for 60 % of the grid",
        value: 120,
      },
      layerScale: { ...maskedSettings.layerScale, value: 1e-4 },
      dropPath: { ...maskedSettings.dropPath, value: 0.25 },
      targetBlocks: wholeNumber("--target-blocks <n>", "last blocks that make the target, 0 for half", 0),
      momentum: share("--momentum <m>", "of the teacher, throughout", 0.9998),
      beta: positiveNumber("--beta <x>", "distance from which the loss grows linearly", 2),
    },
    recipes: {
      paper: {
        source:
          "ViT-B/16: data2vec_vision's beit/README.md, 800 epochs on ImageNet-1k; the rate is for its batch",
        batchSize: 2048,
        epochs: 800,
        betas: [0.9, 0.999],
        lr: { kind: "linspaceCosine", base: 2e-3, min: 1e-5, warmup: epochsOf(10, 800) },
        weightDecay: 0.05,
        clip: { limit: 3, by: "model" },
        config: {},
      },
      small: {
        ...smallMasked,
        // .9998 forgets half of the first values in 3,466 steps, which is such a run's whole length; .99 in 69.
        config: {
          relativePositions: false,
          maskedPatches: 0,
          minBlock: 0,
          layerScale: 0.1,
          dropPath: 0,
          cropScale: [0.4, 1],
          momentum: 0.99,
        },
      },
    },
    fitted,
    make: data2vec,
  };
}

export const data2vecModule = data2vecModuleOf();
