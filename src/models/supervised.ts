// The supervised control: DeiT's recipe (Touvron et al. 2021, "Training data-efficient image transformers & distillation through
// attention", arXiv:2012.12877; official file main.py, with timm's mixup, random erasing and label smoothing). With a teacher it
// is DeiT's hard distillation (models.py, losses.py): a second class token learns the teacher's opinion of the mixed pictures.
// What differs: the teacher is one of our own; soft distillation is left out; the rate moves by iteration, from 0 to its highest
// and then by half a cosine, where DeiT's is set once an epoch and one epoch late, begins at 1e-6, and falls by a cosine that is
// counted from the run's first epoch, so that it goes on from below the highest when the warm-up ends; mixup's partner is found in the whole batch, where DeiT's ranks look in their own, so a picture meets its copy only
// in the middle.

import { fill } from "../engine/graph/fill.ts";
import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { crossEntropy } from "../engine/ops/crossEntropy.ts";
import { add, mul, scale, sub } from "../engine/ops/elementwise.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import { argmax } from "../engine/ops/max.ts";
import { normal } from "../engine/ops/randomOps.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { ema } from "../engine/optim/ema.ts";
import { Random } from "../engine/random.ts";
import { colorJitter } from "../pictures/colorJitter.ts";
import { drawMix, MIX_WIDTH, mixPictures } from "../pictures/mix.ts";
import { randAugment } from "../pictures/randAugment.ts";
import { drawErasing, erase } from "../pictures/randomErasing.ts";
import { type ClassifierConfig, classifierLogits, classifierSpecs } from "./classifier.ts";
import { fineTuning, SMALL_PICTURES } from "./fineTuning.ts";
import { deitInit } from "./init.ts";
import type { Frame, Method, MethodModule, Seeing } from "./method.ts";
import { epochsOf } from "./recipe.ts";
import { anyVit } from "./relativeVit.ts";
import {
  addedLater,
  areaRange,
  positiveOrZero,
  share,
  shareBelowOne,
  toggle,
  wholeNumber,
} from "./settings.ts";
import { classify, headLogits, type VitConfig, vit } from "./vit.ts";

export interface SupervisedConfig extends ClassifierConfig {
  labelSmoothing: number;
  /** Beta(a, a) of mixup and of cutmix, 0 without; with both, cutmix comes with this probability. */
  mixup: number;
  cutmix: number;
  switchProb: number;
  /** Probability of erasing a box of a picture. */
  erasing: number;
  /** Magnitude of RandAugment, 0 without. As in timm, colour jitter has its place only without. */
  randAugment: number;
  /** Probability of colour jitter, and its strength. */
  jitterProb: number;
  jitter: number;
  hue: number;
  cropScale: readonly [number, number];
  /** Repeated augmentation: how often a picture is in an epoch, which then has so many fewer pictures. 1 without. */
  repeats: number;
  dropPath: number;
  /** Decay of a moving average of the weights; 0 without. */
  weightEma: number;
  /** The encoder of a teacher, whose values `Trainer.ready` is given: hard distillation. Without it there is none. */
  teacher?: VitConfig;
}

/** A class token read at one rate: what a teacher was. */
const PLAIN: ClassifierConfig = { meanPool: false, layerDecay: 1 };

type Networks = { model: Parameters; ema?: Parameters; teacher?: Parameters };
type Moves = "mix" | "boxes" | "emaDecay";

export function supervised(
  { encoder: given, batchSize, classes }: Frame,
  config: SupervisedConfig,
): Method<Moves> {
  const { teacher } = config;
  const read: VitConfig = teacher ? { ...given, distToken: true } : given;
  const encoder: VitConfig = { ...read, dropPath: config.dropPath };
  const side = encoder.imageSize;
  if (teacher && side % teacher.patchSize !== 0) {
    throw new Error(
      `supervised: the teacher's patches must divide pictures of ${side} pixels; got ${teacher.patchSize}`,
    );
  }
  if (teacher && config.meanPool) {
    throw new Error(
      "supervised: a teacher is learned from by class tokens; leave the mean of the patches out",
    );
  }
  const isMixed = config.mixup > 0 || config.cutmix > 0;
  if (isMixed && batchSize % 2 === 1) {
    throw new Error(`supervised: mixup and cutmix need an even batch; got ${batchSize}`);
  }
  const { jitter, hue, jitterProb } = config;
  const jittering = colorJitter({
    brightness: jitter,
    contrast: jitter,
    saturation: jitter,
    hue,
    p: jitterProb,
  });
  const jitters = jitterProb > 0 ? [jittering] : [];
  const augment = config.randAugment > 0 ? [randAugment({ magnitude: config.randAugment })] : jitters;
  /** The pictures as the network gets them: of some a box is erased, then some are mixed with a partner. */
  const changed = ({
    views,
    value,
    training,
  }: Pick<Seeing<Moves>, "views" | "value" | "training">): Tensor => {
    const [images] = views as [Tensor];
    const { seed, step } = training(0);
    const noise = () => normal(images.device, images.shape, { seed, stream: "erase", step, site: 1 });
    const erased = config.erasing > 0 ? erase(images, noise(), value("boxes")) : images;
    return isMixed ? mixPictures(erased, value("mix")) : erased;
  };
  return {
    name: "supervised",
    encoder: { network: "model", config: read },
    ...(config.weightEma > 0 && { average: "ema" }),
    needsLabels: true,
    networks(seed) {
      const init = deitInit(seed);
      const specs = classifierSpecs(encoder, classes, init, config);
      const networks: Record<string, readonly ParameterSpec[]> = { model: specs };
      if (config.weightEma > 0) networks.ema = specs;
      if (teacher) networks.teacher = classifierSpecs(teacher, classes, init, PLAIN);
      return networks;
    },
    given: teacher ? ["teacher"] : [],
    repeats: config.repeats,
    views: [{ size: side, count: 1, scale: config.cropScale, augment }],
    moving: {
      mix: {
        dtype: "f32",
        shape: [MIX_WIDTH],
        at: ({ seed, step }) => drawMix(config, side, new Random(seed, "mixup", step)),
      },
      boxes: {
        dtype: "f32",
        shape: [batchSize, 4],
        at({ seed, step }) {
          const random = new Random(seed, "erase", step);
          return Array.from({ length: batchSize }, () => drawErasing(config.erasing, side, random)).flat();
        },
      },
      emaDecay: { dtype: "f32", at: () => config.weightEma },
    },
    metrics: [],
    record({ networks, views, labels, value, training, guard, afterUpdate }) {
      const { model, ema: average, teacher: expert } = networks as Networks;
      const images = changed({ views, value, training });
      const output = anyVit(model, encoder, images, training(0));
      const logits = classifierLogits(model, encoder, output, config); // [B, K]
      const own = crossEntropy(logits, labels, config);
      let loss = isMixed ? mixed(own, crossEntropy(logits, reversed(labels), config), value("mix")) : own;
      if (teacher && expert) {
        const opinion = argmax(classify(expert, vit(expert, teacher, images).tokens), -1); // u32 [B]
        loss = scale(add(loss, crossEntropy(headLogits(model, "head_dist", output.tokens), opinion)), 0.5);
      }
      if (average) afterUpdate(() => ema(average.trained, model.trained, value("emaDecay"), guard));
      return { loss };
    },
    ...(isMixed || config.erasing > 0 ? { sights: (step) => ({ changed: changed(step) }) } : {}),
  };
}

/** Labels of the partners. */
function reversed(labels: Tensor): Tensor {
  const count = labels.size;
  const order = Uint32Array.from({ length: count }, (_, i) => count - 1 - i);
  return indexSelect(labels, Tensor.from(labels.device, order, [count], "u32"));
}

/** share own + (1 - share) partner: cross-entropy is linear in its target. */
function mixed(own: Tensor, partner: Tensor, numbers: Tensor): Tensor {
  const share = reshape(slice(numbers, 0, MIX_WIDTH - 1, MIX_WIDTH), []);
  return add(mul(share, own), mul(sub(fill(own.device, [], 1), share), partner));
}

export const supervisedModule: MethodModule<SupervisedConfig> = {
  about: "Labels, by DeiT's recipe: the control that the others are compared with (Touvron et al. 2021).",
  reading: "cls",
  settings: {
    labelSmoothing: share("--label-smoothing <x>", "share of a target that is spread over all classes", 0.1),
    mixup: positiveOrZero("--mixup <a>", "Beta(a, a) of mixup, 0 for none", 0.8),
    cutmix: positiveOrZero("--cutmix <a>", "Beta(a, a) of cutmix, 0 for none", 1),
    switchProb: share("--switch-prob <p>", "probability of cutmix where there is mixup, too", 0.5),
    erasing: share("--erasing <p>", "probability of erasing a box of a picture", 0.25),
    randAugment: addedLater(
      positiveOrZero("--rand-augment <m>", "magnitude of RandAugment, 0 for none", 9),
      0,
    ),
    jitterProb: share("--jitter-prob <p>", "probability of colour jitter", 0.8),
    jitter: positiveOrZero("--jitter <x>", "strength of brightness, contrast and saturation jitter", 0.4),
    hue: share("--hue <x>", "largest turn of the hue, as a share of the circle", 0.1),
    cropScale: areaRange("--crop-scale <low,high>", "share of the area that a crop has", [0.08, 1]),
    repeats: addedLater(
      wholeNumber("--repeated-augmentation <n>", "times that an epoch has a picture, in a row", 3, 1),
      1,
    ),
    dropPath: shareBelowOne("--drop-path <p>", "of the last block", 0.1),
    layerDecay: addedLater(
      share("--layer-decay <x>", "rate of a layer as a share of the next one's, 1 for one rate", 1),
      1,
    ),
    meanPool: addedLater(
      toggle("--mean-pool", "read the mean of the patches instead of the class token", false),
      false,
    ),
    weightEma: share(
      "--weight-ema <x>",
      "decay of a moving average of the weights, which `eval --average` reads and nothing else; 0 for none",
      0,
    ),
  },
  teacher: "teacher",
  recipes: {
    paper: {
      source: "ViT-B/16: DeiT's main.py, 300 epochs",
      batchSize: 1024,
      epochs: 300,
      betas: [0.9, 0.999],
      lr: { kind: "warmupCosine", base: 5e-4, per: 512, min: 1e-5, warmup: epochsOf(5, 300) },
      weightDecay: 0.05,
      clip: null,
      config: { weightEma: 0.99996 },
    },
    small: {
      source: "32 px, 64 tokens, .3 to 1 M pictures: measured for this project",
      batchSize: 256,
      epochs: 100,
      betas: [0.9, 0.999],
      lr: { kind: "warmupCosine", base: 1.5e-3, min: 1e-6, warmup: 0.1 },
      weightDecay: 0.05,
      clip: null,
      config: SMALL_PICTURES,
    },
    "finetune-mae": fineTuning("finetune-mae"),
    "finetune-beit": fineTuning("finetune-beit"),
    "finetune-data2vec": fineTuning("finetune-data2vec"),
    "finetune-cae": fineTuning("finetune-cae"),
    "finetune-small": fineTuning("finetune-small"),
  },
  make: supervised,
};
