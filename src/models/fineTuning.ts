// How pretrained encoders are fine-tuned on labels, as recipes of supervised training.

import { epochsOf, type FineTuningName, type Recipe } from "./recipe.ts";

/** How little small pictures are changed when they are trained on with labels. */
export const SMALL_PICTURES = {
  randAugment: 0,
  mixup: 0,
  cutmix: 0,
  erasing: 0,
  jitterProb: 0.5,
  cropScale: [0.4, 1],
  repeats: 1,
  dropPath: 0,
} as const;

/** RandAugment, smoothing, erasing, mixup and cutmix are the defaults of supervised training. */
const READ = { meanPool: true, layerDecay: 0.65, repeats: 1 } as const;

/** Where a recipe is from, and how it differs from the others. */
const DIFFERENCES = {
  "finetune-mae": {
    source: "ViT-B/16: MAE's FINETUNE.md",
    batchSize: 1024,
    lr: { kind: "warmupCosine", base: 5e-4, per: 256, min: 1e-6, warmup: epochsOf(5, 100) },
    changes: {},
  },
  "finetune-beit": {
    source: "ViT-B/16: BEiT's get_started_for_image_classification.md, without intermediate fine-tuning",
    batchSize: 1024,
    lr: { kind: "linspaceCosine", base: 4e-3, per: 1024, min: 1e-6, warmup: epochsOf(20, 100) },
    changes: {},
  },
  "finetune-cae": {
    source: "ViT-B/16: CAE's fine-tuning script",
    batchSize: 4096,
    lr: { kind: "linspaceCosine", base: 8e-3, per: 4096, min: 1e-6, warmup: epochsOf(5, 100) },
    changes: {},
  },
  "finetune-small": {
    source: "supervised training's small recipe, with layer decay and the mean of the patches",
    batchSize: 256,
    lr: { kind: "warmupCosine", base: 1.5e-3, min: 1e-6, warmup: 0.1 },
    changes: SMALL_PICTURES,
  },
} as const;

/** A recipe of fine-tuning. (A call, since bundlers keep what a spread stands in.) */
/* @__NO_SIDE_EFFECTS__ */
export function fineTuning(name: FineTuningName) {
  const { changes, ...differences } = DIFFERENCES[name];
  return {
    ...differences,
    epochs: 100,
    betas: [0.9, 0.999],
    weightDecay: 0.05,
    clip: null,
    config: { ...READ, ...changes },
  } as const satisfies Recipe<object>;
}
