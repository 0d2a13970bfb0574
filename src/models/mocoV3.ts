// MoCo v3: Chen, Xie & He 2021, "An Empirical Study of Training Self-Supervised Vision Transformers", arXiv:2104.02057;
// official files moco/builder.py, vits.py, main_moco.py.
// What differs: the momentum update that the official step makes between its queries and its keys is made at the end of the
// step before, with the momentum of the step that uses it: the same teacher for the same keys, and a step that goes wrong
// has moved nothing. Both views pass the encoder, which has no batch norm, in one batch; each passes the heads alone. A
// vit_small has timm's 6 heads, where the official vit_small has 12.

import { stopGradient } from "../engine/graph/op.ts";
import { type ParameterSpec, type Parameters, specWith } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { crossEntropy } from "../engine/ops/crossEntropy.ts";
import { add, scale } from "../engine/ops/elementwise.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { normalize } from "../engine/ops/normalize.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { ema } from "../engine/optim/ema.ts";
import { cosineMomentum } from "../engine/step/schedule.ts";
import { FEATURE_SIGNS, featureSigns } from "./collapse.ts";
import { batchNormMlp, batchNormMlpSpecs, classToken, patchTokens, type Widths } from "./heads.ts";
import { type Initializer, mocoInit } from "./init.ts";
import type { Frame, Method, MethodModule } from "./method.ts";
import { epochsOf } from "./recipe.ts";
import { areaRange, positiveNumber, renamed, share, shares, wholeNumber } from "./settings.ts";
import { frontOf } from "./teacher.ts";
import { type ViewColors, viewColorSettings, viewColors } from "./viewColors.ts";
import { type VitConfig, vit, vitSpecs } from "./vit.ts";

export interface MocoV3Config extends ViewColors {
  /** Width of the heads' hidden layers and of their output: 4096 and 256 in the paper. */
  hiddenDim: number;
  dim: number;
  temperature: number;
  /** The teacher's momentum at first; it reaches 1 by half a cosine. */
  momentum: number;
  cropScale: readonly [number, number];
  /** Of the first view and of the second. */
  blurProbs: readonly [number, number];
}

const PROJECTOR = "head";
const PREDICTOR = "predictor";

const projectorWidths = ({ embedDim }: VitConfig, { hiddenDim, dim }: MocoV3Config): Widths => [
  embedDim,
  hiddenDim,
  hiddenDim,
  dim,
];
const predictorWidths = ({ hiddenDim, dim }: MocoV3Config): Widths => [dim, hiddenDim, dim];

/** The official `base_encoder`, its random patch projection frozen, with the projector in the place of its head. */
function baseSpecs(encoder: VitConfig, config: MocoV3Config, init: Initializer): ParameterSpec[] {
  const specs = vitSpecs(encoder, init).map((spec) =>
    spec.name.startsWith("patch_embed.") ? specWith(spec, { trained: false }) : spec,
  );
  return [...specs, ...batchNormMlpSpecs(PROJECTOR, projectorWidths(encoder, config), init)];
}

/** q, k [B, d] -> []: cross-entropy of the cosines over T with the pictures' own pairs, times 2 T. */
export function contrastiveLoss(q: Tensor, k: Tensor, temperature: number): Tensor {
  const batch = q.shape[0]!;
  const logits = scale(matmul(normalize(q), normalize(k), { transposeB: true }), 1 / temperature); // [B, B]
  const own = Tensor.from(
    q.device,
    Uint32Array.from({ length: batch }, (_, i) => i),
    [batch],
    "u32",
  );
  return scale(crossEntropy(logits, own), 2 * temperature);
}

export function mocoV3({ encoder: given, batchSize }: Frame, config: MocoV3Config): Method<"momentum"> {
  const encoder: VitConfig = { ...given, positions: "sincos-moco" };
  const projector = projectorWidths(encoder, config);
  const predictor = predictorWidths(config);
  const half = (x: Tensor, view: number) => slice(x, 0, view * batchSize, (view + 1) * batchSize);
  return {
    name: "moco-v3",
    encoder: { network: "student", config: encoder },
    projections: {
      projector: {
        dim: config.dim,
        of: (params, tokens) => batchNormMlp(params, PROJECTOR, projector, classToken(tokens)),
        ofPatches(params, tokens) {
          const patches = patchTokens(tokens); // batch norm has rows
          const rows = reshape(patches, [-1, encoder.embedDim]);
          const projected = batchNormMlp(params, PROJECTOR, projector, rows);
          return reshape(projected, [patches.shape[0]!, patches.shape[1]!, config.dim]);
        },
      },
    },
    lossOnly: [PREDICTOR],
    networks(seed) {
      const init = mocoInit(seed);
      const base = baseSpecs(encoder, config, init);
      const predicting = batchNormMlpSpecs(PREDICTOR, predictor, init);
      // Decay reaches everything that is trained, biases and norms included (main_moco.py).
      const student = [...base, ...predicting].map((spec) => specWith(spec, { decay: true }));
      return { student, teacher: base };
    },
    views: [
      {
        size: encoder.imageSize,
        count: 2,
        scale: config.cropScale,
        filter: "bilinear",
        augment: viewColors(config),
      },
    ],
    moving: {
      momentum: {
        dtype: "f32",
        at: ({ step, totalSteps }) => cosineMomentum(config.momentum, totalSteps)(step + 1),
      },
    },
    metrics: FEATURE_SIGNS,
    leastBatch: 2,
    record({ networks, views, value, training, guard, afterUpdate }) {
      const { student, teacher } = networks as { student: Parameters; teacher: Parameters };
      const [images] = views as [Tensor]; // [2 B, H, W, 3]
      const features = classToken(vit(student, encoder, images, training(0)).tokens); // [2 B, D]
      const queries = [0, 1].map((view) => {
        const projected = batchNormMlp(student, PROJECTOR, projector, half(features, view), guard);
        return batchNormMlp(student, PREDICTOR, predictor, projected, guard); // [B, d]
      });
      const taught = classToken(vit(teacher, encoder, images).tokens);
      const keys = [0, 1].map((view) =>
        stopGradient(batchNormMlp(teacher, PROJECTOR, projector, half(taught, view), guard)),
      );
      const loss = add(
        contrastiveLoss(queries[0]!, keys[1]!, config.temperature),
        contrastiveLoss(queries[1]!, keys[0]!, config.temperature),
      );
      afterUpdate(() => ema(teacher.trained, frontOf(student, teacher), value("momentum"), guard));
      return { loss, metrics: featureSigns(keys[0]!) };
    },
  };
}

/** In a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
function mocoV3ModuleOf(): MethodModule<MocoV3Config> {
  return {
    about:
      "Contrast two views of a picture with those of all others, against a momentum teacher (Chen et al. 2021).",
    reading: "cls",
    settings: {
      hiddenDim: wholeNumber("--hidden-dim <n>", "width of the heads' hidden layers", 4096, 1),
      dim: wholeNumber("--dim <n>", "width of what is contrasted", 256, 1),
      temperature: positiveNumber("--temperature <t>", "of the contrast", 0.2),
      momentum: share("--momentum <m>", "of the teacher at first", 0.99),
      cropScale: areaRange("--crop-scale <low,high>", "share of the area that a crop has", [0.08, 1]),
      ...viewColorSettings(),
      blurProbs: renamed(
        shares<readonly [number, number]>(
          "--blur-probs <p1,p2>",
          "probabilities of a blur: first view, second view",
          [1, 0.1],
        ),
        "blur",
        (blur) => (Array.isArray(blur) ? [blur[1], blur[0]] : undefined), // the second view's came first
      ),
      solarizeProb: renamed(
        share("--solarize-prob <p>", "probability of solarizing the second view", 0.2),
        "solarize",
        (p) => (typeof p === "number" ? p : undefined),
      ),
    },
    recipes: {
      paper: {
        source: "ViT-B/16: main_moco.py as CONFIG.md calls it, 300 epochs",
        batchSize: 4096,
        epochs: 300,
        betas: [0.9, 0.999],
        lr: { kind: "warmupCosine", base: 1.5e-4, per: 256, min: 0, warmup: epochsOf(40, 300) },
        weightDecay: 0.1,
        clip: null,
        config: {},
      },
      small: {
        source: "32 px, 64 tokens, .3 to 1 M pictures: measured for this project",
        batchSize: 512,
        epochs: 100,
        betas: [0.9, 0.999],
        lr: { kind: "warmupCosine", base: 1.5e-3, min: 1e-6, warmup: 0.1 },
        weightDecay: 0.1,
        clip: null,
        config: { hiddenDim: 512, dim: 128, cropScale: [0.2, 1], blurProbs: [0, 0] },
      },
    },
    make: mocoV3,
  };
}

export const mocoV3Module = mocoV3ModuleOf();
