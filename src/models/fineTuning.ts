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
    weightDecay: 0.05,
    changes: {},
  },
  "finetune-beit": {
    source: "ViT-B/16: BEiT's get_started_for_image_classification.md, without intermediate fine-tuning",
    batchSize: 1024,
    lr: { kind: "linspaceCosine", base: 4e-3, per: 1024, min: 1e-6, warmup: epochsOf(20, 100) },
    weightDecay: 0.05,
    changes: {},
  },
  "finetune-data2vec": {
    source: "ViT-B/16: data2vec_vision's beit/README.md",
    batchSize: 1024,
    lr: { kind: "linspaceCosine", base: 4e-3, per: 1024, min: 1e-6, warmup: epochsOf(10, 100) },
    weightDecay: 0,
    changes: { dropPath: 0.2 },
  },
  "finetune-cae": {
    source: "ViT-B/16: CAE's cae_base_finetune.sh",
    batchSize: 4096,
    lr: { kind: "linspaceCosine", base: 8e-3, per: 4096, min: 1e-6, warmup: epochsOf(5, 100) },
    weightDecay: 0.05,
    changes: {},
  },
  "finetune-small": {
    source: "supervised training's small recipe, with layer decay and the mean of the patches",
    batchSize: 256,
    lr: { kind: "warmupCosine", base: 1.5e-3, min: 1e-6, warmup: 0.1 },
    weightDecay: 0.05,
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
    clip: null,
    config: { ...READ, ...changes },
  } as const satisfies Recipe<object>;
}
