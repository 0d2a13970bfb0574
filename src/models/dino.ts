// DINO: Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", arXiv:2104.14294; official files
// main_dino.py (DINOLoss, cosine_scheduler), vision_transformer.py (DINOHead), utils.py (MultiCropWrapper).
// What differs: logits are never stored (prototypeLoss.ts), and the mean of the teacher's is that of its mean bottleneck;
// positions of local crops are interpolated without the official + .1; blur is a Gaussian (see gaussianBlur.ts).

import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { ema } from "../engine/optim/ema.ts";
import { cosineMomentum, linear as linearSchedule, perEpoch } from "../engine/step/schedule.ts";
import { FEATURE_SIGNS, featureSigns, TARGET_SIGNS, targetSigns } from "./collapse.ts";
import {
  bottleneck,
  headProjections,
  type PrototypeHead,
  prototypeHeadSpecs,
  prototypesOf,
} from "./heads.ts";
import { constant, deitInit } from "./init.ts";
import type { Frame, Method, MethodModule, Moment, Moving, Settings } from "./method.ts";
import { type MultiCrop, multiCropSettings, multiCropViews, viewTokens, withLocalSize } from "./multiCrop.ts";
import { type Answers, crossViewLoss, meanAnswer } from "./prototypeLoss.ts";
import { epochsOf } from "./recipe.ts";
import { positiveNumber, renamed, share, shareBelowOne, toggle, wholeNumber } from "./settings.ts";
import { frontOf } from "./teacher.ts";
import { type VitConfig, vitSpecs } from "./vit.ts";

export interface DinoConfig extends PrototypeHead, MultiCrop {
  studentTemperature: number;
  /** The teacher's rises from the first to the second in a share of the run's epochs, held still during each. */
  warmupTeacherTemperature: number;
  teacherTemperature: number;
  teacherWarmup: number;
  /** The teacher's momentum at first; it reaches 1 by half a cosine. */
  momentum: number;
  centerMomentum: number;
  /** Share of the run's steps in which the student's prototypes stay as they are. */
  freezeLastLayer: number;
  /** Of the student's blocks. */
  dropPath: number;
}

export const HEAD = "head";

/** Temperature of the teacher at a moment: linspace over the first epochs, then constant (DINOLoss). */
export function teacherTemperature(
  {
    warmupTeacherTemperature: from,
    teacherTemperature: to,
    teacherWarmup,
  }: Pick<DinoConfig, "warmupTeacherTemperature" | "teacherTemperature" | "teacherWarmup">,
  { step, stepsPerEpoch, totalSteps }: Pick<Moment, "step" | "stepsPerEpoch" | "totalSteps">,
): number {
  const epochs = Math.round((teacherWarmup * totalSteps) / stepsPerEpoch);
  return epochs === 0 ? to : perEpoch(linearSchedule({ from, to, steps: epochs - 1 }), stepsPerEpoch)(step);
}

/** The center of the teacher's answers, a buffer of the teacher. */
export const centerSpec = (name: string, classes: number): ParameterSpec => ({
  name,
  shape: [classes],
  values: constant(classes, 0),
  trained: false,
});

/** What moves in DINO and in iBOT. */
export const dinoMoving = (
  config: DinoConfig,
): Record<"temperature" | "momentum" | "centerMomentum", Moving> => ({
  temperature: { dtype: "f32", at: (moment) => teacherTemperature(config, moment) },
  momentum: { dtype: "f32", at: ({ step, totalSteps }) => cosineMomentum(config.momentum, totalSteps)(step) },
  centerMomentum: { dtype: "f32", at: () => config.centerMomentum },
});

export const freezing =
  ({ freezeLastLayer }: Pick<DinoConfig, "freezeLastLayer">) =>
  (totalSteps: number): number =>
    Math.round(freezeLastLayer * totalSteps);

/** `groupBytes`: see `multiCropViews`. */
export function dino(
  { encoder: given, batchSize: batch }: Frame,
  asked: DinoConfig,
  groupBytes?: number,
): Method<"temperature" | "momentum" | "centerMomentum"> {
  const config = withLocalSize(given, asked);
  const encoder: VitConfig = { ...given, dropPath: config.dropPath };
  const { globals, locals } = multiCropViews("dino", encoder, batch, config, groupBytes);
  return {
    name: "dino",
    encoder: { network: "teacher", config: given },
    projections: headProjections(HEAD, config),
    networks(seed) {
      const init = deitInit(seed);
      const specs = [...vitSpecs(encoder, init), ...prototypeHeadSpecs(HEAD, encoder.embedDim, config, init)];
      return { student: specs, teacher: [...specs, centerSpec("center", config.prototypes)] };
    },
    views: [...globals, ...locals],
    moving: dinoMoving(config),
    lateStart: freezing(config),
    metrics: [...TARGET_SIGNS, ...FEATURE_SIGNS],
    record({ networks, views, value, training, guard, afterUpdate }) {
      const { student, teacher } = networks as { student: Parameters; teacher: Parameters };
      const center = teacher.get("center");
      const features = viewTokens(teacher, given, views.slice(0, globals.length)); // [2 B, D]
      const taught: Answers = {
        z: bottleneck(teacher, HEAD, features),
        prototypes: prototypesOf(teacher, HEAD),
      };
      const learnt: Answers = {
        z: bottleneck(student, HEAD, viewTokens(student, encoder, views, training)),
        prototypes: prototypesOf(student, HEAD),
      };
      const sharpening = { center, temperature: value("temperature") };
      const { loss, targets } = crossViewLoss(learnt, taught, sharpening, config.studentTemperature);
      const mean = meanAnswer(taught);
      guard.later([mean], (x) => ema(center, x, value("centerMomentum"), guard)); // after the loss has read it
      afterUpdate(() => ema(teacher.trained, frontOf(student, teacher), value("momentum"), guard));
      return { loss, metrics: { ...targetSigns(targets, loss, center), ...featureSigns(features) } };
    },
  };
}

/** With the values of the released ViT-B/16, but for those that the paper recipe has. */
/* @__NO_SIDE_EFFECTS__ */
function dinoSettingsOf(): Settings<DinoConfig> {
  return {
    prototypes: wholeNumber("--prototypes <n>", "of the head", 65_536, 2),
    hiddenDim: wholeNumber("--hidden-dim <n>", "width of the head's hidden layers", 2048, 1),
    bottleneckDim: wholeNumber("--bottleneck-dim <n>", "width before the prototypes", 256, 1),
    normLastLayer: toggle(
      "--norm-last-layer",
      "keep the prototypes' lengths, which are trained without",
      true,
    ),
    ...multiCropSettings(),
    studentTemperature: positiveNumber("--student-temperature <t>", "of the student's answers", 0.1),
    warmupTeacherTemperature: positiveNumber(
      "--warmup-teacher-temperature <t>",
      "the teacher's at first",
      0.04,
    ),
    teacherTemperature: positiveNumber("--teacher-temperature <t>", "the teacher's after its warm-up", 0.07),
    teacherWarmup: renamed(
      share("--teacher-warmup <x>", "share of the run's epochs that this warm-up has", epochsOf(50, 400)),
      "warmupTeacherTemperatureEpochs",
      (epochs, run) => (typeof epochs === "number" ? epochs / run.epochs : undefined),
    ),
    momentum: share("--momentum <m>", "of the teacher at first", 0.996),
    centerMomentum: share("--center-momentum <m>", "of the center of the teacher's answers; 1 for none", 0.9),
    dropPath: shareBelowOne("--drop-path <p>", "of the student's last block", 0.1),
    freezeLastLayer: share(
      "--freeze-last-layer <x>",
      "share of the run in which the student's prototypes stay as they are",
      0.01,
    ),
  };
}

export const dinoSettings = dinoSettingsOf();

export const dinoModule: MethodModule<DinoConfig> = {
  about:
    "Self-distillation from two large views to all of them, against a momentum teacher (Caron et al. 2021).",
  reading: "cls",
  settings: dinoSettings,
  recipes: {
    paper: {
      source: "ViT-B/16: args.txt of the released model as restated by DyT's authors, 400 epochs",
      batchSize: 1024,
      epochs: 400,
      betas: [0.9, 0.999],
      lr: { kind: "linspaceCosine", base: 7.5e-4, per: 256, min: 2e-6, warmup: epochsOf(10, 400) },
      weightDecay: [0.04, 0.4],
      clip: { limit: 0.3, by: "tensor" },
      config: { localCrops: 10, freezeLastLayer: epochsOf(3, 400) },
    },
    small: {
      source: "32 px, 64 tokens, .3 to 1 M pictures: measured for this project",
      batchSize: 256,
      epochs: 100,
      betas: [0.9, 0.999],
      lr: { kind: "linspaceCosine", base: 1e-3, min: 1e-6, warmup: 0.1 },
      weightDecay: [0.04, 0.2],
      clip: { limit: 3, by: "tensor" },
      config: {
        prototypes: 1024,
        hiddenDim: 512,
        bottleneckDim: 128,
        localCrops: 4,
        localSize: 16,
        globalScale: [0.3, 1],
        localScale: [0.05, 0.3],
        // Views that are changed as the paper's tell too little of each other at 32 pixels (decision 17).
        jitterProb: 0,
        grayscaleProb: 0,
        blurProbs: [0, 0, 0],
        solarizeProb: 0,
        teacherTemperature: 0.04,
        teacherWarmup: 0,
        momentum: 0.99,
        freezeLastLayer: 0.05,
        dropPath: 0,
      },
    },
  },
  fitted: withLocalSize,
  make: dino,
};
