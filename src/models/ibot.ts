// iBOT: Zhou et al. 2022, "iBOT: Image BERT Pre-Training with Online Tokenizer", arXiv:2111.07832; official files main_ibot.py
// (iBOTLoss), models/head.py (iBOTHead), models/vision_transformer.py, loader.py (ImageFolderMask).
// What differs: one last layer serves class and patch tokens, of student and teacher, as in all published recipes; only hidden
// patches pass the student's head, since the others are not in the loss; local crops get no masks, which nobody reads; what
// dino.ts says of itself.

import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { add } from "../engine/ops/elementwise.ts";
import { gatherTokens } from "../engine/ops/gather.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { ema } from "../engine/optim/ema.ts";
import { grayPatches } from "../pictures/fillPatches.ts";
import { movingPredMasks, type PredSettings } from "./batchMasks.ts";
import type { Training } from "./block.ts";
import { FEATURE_SIGNS, featureSigns, TARGET_SIGNS, targetSigns } from "./collapse.ts";
import {
  centerSpec,
  type DinoConfig,
  dinoModule,
  dinoMoving,
  dinoSettings,
  freezing,
  HEAD,
  teacherTemperature,
} from "./dino.ts";
import {
  bottleneck,
  classToken,
  headProjections,
  patchTokens,
  prototypeHeadSpecs,
  prototypesOf,
} from "./heads.ts";
import { constant, deitInit } from "./init.ts";
import type { Frame, Method, MethodModule } from "./method.ts";
import { joined, multiCropViews, viewTokens, withLocalSize } from "./multiCrop.ts";
import { crossViewLoss, meanAnswer, patchLoss } from "./prototypeLoss.ts";
import { positiveNumber, share, toggle } from "./settings.ts";
import { frontOf } from "./teacher.ts";
import { embedMasked, encode, prependClassToken, type VitConfig, vit, vitSpecs } from "./vit.ts";

export interface IbotConfig extends DinoConfig, PredSettings {
  /** The teacher's on patch tokens rises from the first to the second while that on class tokens does. */
  warmupTeacherPatchTemperature: number;
  teacherPatchTemperature: number;
}

type Moves =
  | "temperature"
  | "momentum"
  | "centerMomentum"
  | "patchTemperature"
  | "mask"
  | "order"
  | "weights";

/** images [B, H, W, 3], mask u32 [B, N] -> tokens [B, 1 + N, D]; hidden patches are `masked_embed`, at their places. */
export function encodeHidden(
  params: Parameters,
  encoder: VitConfig,
  images: Tensor,
  mask: Tensor,
  training?: Training,
): Tensor {
  const token = reshape(params.get("masked_embed"), [1, 1, encoder.embedDim]);
  const seen = embedMasked(params, encoder, images, mask, token);
  return encode(params, encoder, prependClassToken(params, seen), training).tokens;
}

/** Tokens [B, M, D] as rows [B M, D]. */
const rowsOf = (tokens: Tensor): Tensor => reshape(tokens, [-1, tokens.shape[2]!]);

/** `groupBytes`: see `multiCropViews`. */
export function ibot(
  { encoder: given, batchSize: batch }: Frame,
  asked: IbotConfig,
  groupBytes?: number,
): Method<Moves> {
  const config = withLocalSize(given, asked);
  const encoder: VitConfig = { ...given, dropPath: config.dropPath };
  const { globals, locals } = multiCropViews("ibot", encoder, batch, config, groupBytes);
  const masks = movingPredMasks("ibot", encoder, config, 2 * batch);
  const most = masks.weights.shape![1]!;
  /** Rows of a table [2 B, ...] that belong to a group of global views. */
  const starts = globals.map((_, group) =>
    globals.slice(0, group).reduce((sum, { count }) => sum + count * batch, 0),
  );
  const of = (table: Tensor, group: number) =>
    slice(table, 0, starts[group]!, starts[group]! + globals[group]!.count * batch);
  return {
    name: "ibot",
    encoder: { network: "teacher", config: given },
    projections: headProjections(HEAD, config),
    networks(seed) {
      const init = deitInit(seed);
      const { embedDim } = encoder;
      const specs = [...vitSpecs(encoder, init), ...prototypeHeadSpecs(HEAD, embedDim, config, init)];
      const maskedEmbed = { name: "masked_embed", shape: [1, embedDim], values: constant(embedDim, 0) };
      const centers = ["center", "center2"].map((name) => centerSpec(name, config.prototypes));
      return { student: [...specs, maskedEmbed], teacher: [...specs, ...centers] };
    },
    views: [...globals, ...locals],
    moving: {
      ...dinoMoving(config),
      patchTemperature: {
        dtype: "f32",
        at: (moment) =>
          teacherTemperature(
            {
              ...config,
              warmupTeacherTemperature: config.warmupTeacherPatchTemperature,
              teacherTemperature: config.teacherPatchTemperature,
            },
            moment,
          ),
      },
      ...masks,
    },
    lateStart: freezing(config),
    metrics: ["classLoss", "patchLoss", ...TARGET_SIGNS, ...FEATURE_SIGNS],
    record({ networks, views, value, training, guard, afterUpdate }) {
      const { student, teacher } = networks as { student: Parameters; teacher: Parameters };
      const large = views.slice(0, globals.length);
      const small = views.slice(globals.length);
      const hiddenOf = (group: number) => slice(of(value("order"), group), 1, 0, most); // [b, M]
      const [taughtWeight, learntWeight] = [prototypesOf(teacher, HEAD), prototypesOf(student, HEAD)];
      const answers = (params: Parameters, prototypes: Tensor, rows: readonly Tensor[]) => ({
        z: bottleneck(params, HEAD, joined(rows)),
        prototypes,
      });

      const whole = large.map((images) => vit(teacher, given, images).tokens);
      const features = joined(whole.map(classToken)); // [2 B, D]
      const taught = answers(teacher, taughtWeight, [features]);
      // Group by group, since the center needs the head's hidden layers of all patches.
      const spoken = whole.map((tokens) => bottleneck(teacher, HEAD, patchTokens(tokens))); // each [b, N, b']
      const everyPatch = { z: joined(spoken.map(rowsOf)), prototypes: taughtWeight };
      const taughtPatches = {
        z: joined(spoken.map((z, group) => rowsOf(gatherTokens(z, hiddenOf(group))))),
        prototypes: taughtWeight,
      };

      const seen = large.map((images, group) =>
        encodeHidden(student, encoder, images, of(value("mask"), group), training(group)),
      );
      const classes = [
        ...seen.map(classToken),
        ...(small.length > 0
          ? [viewTokens(student, encoder, small, (group) => training(globals.length + group))]
          : []),
      ];
      const learnt = answers(student, learntWeight, classes);
      const guessed = seen.map((tokens, group) =>
        rowsOf(gatherTokens(patchTokens(tokens), hiddenOf(group), { unique: true })),
      );
      const learntPatches = answers(student, learntWeight, guessed);

      const [center, center2] = [teacher.get("center"), teacher.get("center2")];
      const ofClasses = { center, temperature: value("temperature") };
      const ofPatches = { center: center2, temperature: value("patchTemperature") };
      const { studentTemperature } = config;
      const { loss: classLoss, targets } = crossViewLoss(learnt, taught, ofClasses, studentTemperature);
      const weights = reshape(value("weights"), [-1]);
      const ofMasked = patchLoss(learntPatches, taughtPatches, weights, ofPatches, studentTemperature);
      const [mean, mean2] = [meanAnswer(taught), meanAnswer(everyPatch)];
      guard.later([mean, mean2], (x, x2) => {
        ema(center, x, value("centerMomentum"), guard); // after the loss has read them
        ema(center2, x2, value("centerMomentum"), guard);
      });
      afterUpdate(() => ema(teacher.trained, frontOf(student, teacher), value("momentum"), guard));
      const signs = { ...targetSigns(targets, classLoss, center), ...featureSigns(features) };
      return { loss: add(classLoss, ofMasked), metrics: { classLoss, patchLoss: ofMasked, ...signs } };
    },
    sights: ({ views, value }) => ({
      masked: grayPatches(joined(views.slice(0, globals.length)), value("mask"), encoder.patchSize),
    }),
  };
}

/** DINO's module with what iBOT adds; in a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
function ibotModuleOf(): MethodModule<IbotConfig> {
  const { paper, small } = dinoModule.recipes;
  return {
    about: "DINO, and the momentum teacher's answers at patches hidden from the student (Zhou et al. 2022).",
    reading: "cls",
    settings: {
      ...dinoSettings,
      prototypes: { ...dinoSettings.prototypes, value: 8192 },
      globalScale: { ...dinoSettings.globalScale, value: [0.32, 1] },
      localScale: { ...dinoSettings.localScale, value: [0.05, 0.32] },
      warmupTeacherPatchTemperature: positiveNumber(
        "--warmup-teacher-patch-temperature <t>",
        "the teacher's on patches at first",
        0.04,
      ),
      teacherPatchTemperature: positiveNumber(
        "--teacher-patch-temperature <t>",
        "the teacher's on patches after its warm-up",
        0.07,
      ),
      predRatio: share("--pred-ratio <x>", "share of a large crop's patches that are hidden", 0.3),
      predRatioVar: share("--pred-ratio-var <x>", "how far that may vary", 0.2),
      predShare: share("--pred-share <x>", "share of the large crops that have hidden patches", 0.5),
      randomMasks: toggle("--random-masks", "hide single patches, not blocks", false),
    },
    recipes: {
      paper: {
        ...paper,
        source: "ViT-B/16: the published arguments as others restate them (SERE, UNI), 400 epochs",
      },
      small: {
        ...small,
        config: { ...small.config, teacherPatchTemperature: 0.04 },
      },
    },
    fitted: withLocalSize,
    make: ibot,
  };
}

export const ibotModule = ibotModuleOf();
