// DINO: Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", arXiv:2104.14294; official files
// main_dino.py (DINOLoss, cosine_scheduler), vision_transformer.py (DINOHead), utils.py (MultiCropWrapper).
// What differs: positions of local crops are interpolated without the official + .1; blur is a Gaussian (see gaussianBlur.ts).

import { stopGradient } from "../engine/graph/op.ts";
import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { crossEntropy } from "../engine/ops/crossEntropy.ts";
import { add, div, scale, sub } from "../engine/ops/elementwise.ts";
import { expand } from "../engine/ops/expand.ts";
import { mean } from "../engine/ops/mean.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { softmax } from "../engine/ops/softmax.ts";
import { ema } from "../engine/optim/ema.ts";
import { cosineMomentum, linear as linearSchedule, perEpoch } from "../engine/step/schedule.ts";
import { colorJitter } from "../pictures/colorJitter.ts";
import { gaussianBlur } from "../pictures/gaussianBlur.ts";
import { grayscale } from "../pictures/grayscale.ts";
import { solarize } from "../pictures/solarize.ts";
import { marginalEntropy, meanEntropy } from "./collapse.ts";
import { classToken, type PrototypeHead, prototypeHeadSpecs, prototypeLogits } from "./heads.ts";
import { constant, timmInit } from "./init.ts";
import type { Frame, Method, MethodModule, ViewGroup } from "./method.ts";
import { positiveNumber, range, share, toggle, wholeNumber } from "./settings.ts";
import { frontOf } from "./teacher.ts";
import { type Training, type VitConfig, vit, vitSpecs } from "./vit.ts";

export interface DinoConfig extends PrototypeHead {
  /** Side of the local crops, a multiple of the patch size, and how many there are. */
  localSize: number;
  localCrops: number;
  globalScale: readonly [number, number];
  localScale: readonly [number, number];
  studentTemperature: number;
  /** The teacher's rises from the first to the second in so many epochs, held still during each. */
  warmupTeacherTemperature: number;
  teacherTemperature: number;
  warmupTeacherTemperatureEpochs: number;
  /** The teacher's momentum at first; it reaches 1 by half a cosine. */
  momentum: number;
  centerMomentum: number;
  /** Of the student's blocks. */
  dropPath: number;
}

export const HEAD = "head";

/** Two global crops, and local ones: main_dino.py's DataAugmentationDINO. */
export function dinoViews(
  { imageSize }: VitConfig,
  {
    localSize,
    localCrops,
    globalScale,
    localScale,
  }: Pick<DinoConfig, "localSize" | "localCrops" | "globalScale" | "localScale">,
): ViewGroup[] {
  const augment = [
    colorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1, p: 0.8 }),
    grayscale(0.2),
    gaussianBlur({ p: [1, 0.1, 0.5] }),
    solarize([0, 0.2, 0]),
  ];
  const globals: ViewGroup = { size: imageSize, count: 2, scale: globalScale, augment };
  const locals: ViewGroup = { size: localSize, count: localCrops, scale: localScale, augment };
  return localCrops > 0 ? [globals, locals] : [globals];
}

/** Temperature of the teacher at a moment: linspace over the first epochs, then constant (DINOLoss). */
export const teacherTemperature = (
  {
    warmupTeacherTemperature: from,
    teacherTemperature: to,
    warmupTeacherTemperatureEpochs: epochs,
  }: Pick<DinoConfig, "warmupTeacherTemperature" | "teacherTemperature" | "warmupTeacherTemperatureEpochs">,
  step: number,
  stepsPerEpoch: number,
): number =>
  epochs === 0 ? to : perEpoch(linearSchedule({ from, to, steps: epochs - 1 }), stepsPerEpoch)(step);

/**
 * DINOLoss on class tokens: the mean cross-entropy of every student view against the teacher's other views.
 * students [V B, K] with the two globals first, targets [2 B, K] of probabilities -> [].
 */
export function crossViewLoss(students: Tensor, targets: Tensor, temperature: number): Tensor {
  const batch = targets.shape[0]! / 2;
  const classes = targets.shape[1]!;
  const locals = students.shape[0]! / batch - 2;
  const logits = scale(students, 1 / temperature);
  const of = (x: Tensor, from: number, to: number) => slice(x, 0, from * batch, to * batch);
  // A local view meets both targets, and cross-entropy is linear in the target: one row with their sum serves both.
  const swapped = concat([of(targets, 1, 2), of(targets, 0, 1)], 0); // [2 B, K]
  const globals = crossEntropy(of(logits, 0, 2), swapped); // mean over 2 B
  const terms = 2 * (2 + locals) - 2;
  if (locals === 0) return scale(globals, 2 / terms);
  const both = add(of(targets, 0, 1), of(targets, 1, 2)); // [B, K]
  const spread = reshape(expand(both, [locals, batch, classes]), [locals * batch, classes]);
  const small = crossEntropy(of(logits, 2, 2 + locals), spread); // mean over locals B
  return scale(add(scale(globals, 2), scale(small, locals)), 1 / terms);
}

/** The class tokens of every view of every size, view by view. -> [V B, D] */
export function viewTokens(
  params: Parameters,
  encoder: VitConfig,
  views: readonly Tensor[],
  training?: (pass: number) => Training,
): Tensor {
  const tokens = views.map((images, group) =>
    classToken(vit(params, encoder, images, training?.(group)).tokens),
  );
  return tokens.length === 1 ? tokens[0]! : concat(tokens, 0);
}

/** The center of the teacher's answers, a buffer of the teacher. */
export const centerSpec = (name: string, classes: number): ParameterSpec => ({
  name,
  shape: [classes],
  values: constant(classes, 0),
  trained: false,
});

export function dino(
  { encoder: given }: Frame,
  config: DinoConfig,
): Method<"temperature" | "momentum" | "centerMomentum"> {
  const encoder: VitConfig = { ...given, dropPath: config.dropPath };
  return {
    name: "dino",
    encoder: { network: "teacher", config: given },
    networks(seed) {
      const init = timmInit(seed);
      const specs = [...vitSpecs(encoder, init), ...prototypeHeadSpecs(HEAD, encoder.embedDim, config, init)];
      return { student: specs, teacher: [...specs, centerSpec("center", config.prototypes)] };
    },
    views: dinoViews(encoder, config),
    moving: {
      temperature: {
        dtype: "f32",
        at: ({ step, stepsPerEpoch }) => teacherTemperature(config, step, stepsPerEpoch),
      },
      momentum: {
        dtype: "f32",
        at: ({ step, totalSteps }) => cosineMomentum(config.momentum, totalSteps)(step),
      },
      centerMomentum: { dtype: "f32", at: () => config.centerMomentum },
    },
    metrics: ["teacherEntropy", "marginalEntropy"],
    record({ networks, views, value, training, guard, afterUpdate }) {
      const { student, teacher } = networks as { student: Parameters; teacher: Parameters };
      const center = teacher.get("center");
      const answers = stopGradient(
        prototypeLogits(teacher, HEAD, classToken(vit(teacher, given, views[0]!).tokens)),
      ); // [2 B, K]
      const targets = stopGradient(softmax(div(sub(answers, center), value("temperature"))));
      const students = prototypeLogits(student, HEAD, viewTokens(student, encoder, views, training)); // [V B, K]
      const loss = crossViewLoss(students, targets, config.studentTemperature);
      const meanAnswer = mean(answers, 0);
      guard.later(() => ema(center, meanAnswer, value("centerMomentum"), guard)); // after the loss has read it
      afterUpdate(() => ema(teacher.trained, frontOf(student, teacher), value("momentum"), guard));
      return {
        loss,
        metrics: { teacherEntropy: meanEntropy(targets), marginalEntropy: marginalEntropy(targets) },
      };
    },
  };
}

export const dinoModule: MethodModule<DinoConfig> = {
  about:
    "Self-distillation from two large views to all of them, against a momentum teacher (Caron et al. 2021).",
  settings: {
    prototypes: wholeNumber("--prototypes <n>", "of the head", 65_536, 2),
    hiddenDim: wholeNumber("--hidden-dim <n>", "width of the head's hidden layers", 2048, 1),
    bottleneckDim: wholeNumber("--bottleneck-dim <n>", "width before the prototypes", 256, 1),
    normLastLayer: toggle("--no-norm-last-layer", "let the prototypes' lengths be trained", true),
    localCrops: wholeNumber("--local-crops <n>", "small crops of a picture", 8),
    localSize: wholeNumber("--local-size <n>", "their side, a multiple of the patch size", 96, 1),
    globalScale: range("--global-scale <low,high>", "share of the area that a large crop has", [0.25, 1]),
    localScale: range("--local-scale <low,high>", "share of the area that a small crop has", [0.05, 0.25]),
    studentTemperature: positiveNumber("--student-temperature <t>", "of the student's answers", 0.1),
    warmupTeacherTemperature: positiveNumber(
      "--warmup-teacher-temperature <t>",
      "the teacher's at first",
      0.04,
    ),
    teacherTemperature: positiveNumber("--teacher-temperature <t>", "the teacher's after its warm-up", 0.07),
    warmupTeacherTemperatureEpochs: wholeNumber("--teacher-warmup <n>", "epochs of that warm-up", 50),
    momentum: share("--momentum <m>", "of the teacher at first", 0.996),
    centerMomentum: share("--center-momentum <m>", "of the center of the teacher's answers; 1 for none", 0.9),
    dropPath: share("--drop-path <p>", "of the student's last block", 0.1),
  },
  recipes: {
    paper: {
      source: "ViT-B/16: args.txt of the released model as restated by DyT's authors, 400 epochs",
      batchSize: 1024,
      epochs: 400,
      betas: [0.9, 0.999],
      lr: { kind: "linspaceCosine", base: 7.5e-4, per: 256, min: 2e-6, warmup: 10 / 400 },
      weightDecay: [0.04, 0.4],
      clip: { limit: 0.3, by: "tensor" },
      config: { localCrops: 10 },
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
        teacherTemperature: 0.04,
        warmupTeacherTemperatureEpochs: 0,
        momentum: 0.99,
        dropPath: 0,
      },
    },
  },
  make: dino,
};
