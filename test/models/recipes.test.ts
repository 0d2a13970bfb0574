// The published recipes, written down a second time from the papers' programs: a number that changes must change here, too.

import { describe, expect, test } from "vitest";
import type { MethodModule } from "../../src/models/method.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import type { FineTuningName } from "../../src/models/recipe.ts";
import { defaultsOf } from "../../src/models/settings.ts";
import { runSettings } from "../../src/train/run.ts";

/** A recipe with all of its method's settings, but for the words on where it is from. */
function whole(method: MethodName, name: "paper" | FineTuningName): object {
  const { settings, recipes } = METHODS[method] as unknown as MethodModule<object>;
  const { source: _, config, ...recipe } = recipes[name]!;
  return { ...recipe, config: { ...defaultsOf(settings), ...config } };
}

/** Warm-up as a share of the run; `per` is the batch that the rate is for, where it follows the linear rule. */
const byMae = (base: number, per: number, min: number, warmup: number) => ({
  kind: "warmupCosine",
  base,
  per,
  min,
  warmup,
});
const byDino = (base: number, min: number, warmup: number) => ({
  kind: "linspaceCosine",
  base,
  min,
  warmup,
});

const adamw = { betas: [0.9, 0.999], weightDecay: 0.05, clip: null };

/** DINO and iBOT: the released ViT-B/16. */
const selfDistilled = {
  ...{ batchSize: 1024, epochs: 400, betas: [0.9, 0.999], weightDecay: [0.04, 0.4] },
  lr: { ...byDino(7.5e-4, 2e-6, 10 / 400), per: 256 },
  clip: { limit: 0.3, by: "tensor" },
};
const ofBoth = {
  ...{ hiddenDim: 2048, bottleneckDim: 256, normLastLayer: true, dropPath: 0.1, freezeLastLayer: 3 / 400 },
  ...{ studentTemperature: 0.1, warmupTeacherTemperature: 0.04, teacherTemperature: 0.07 },
  ...{ teacherWarmup: 50 / 400, momentum: 0.996, centerMomentum: 0.9 },
  ...{ jitterProb: 0.8, grayscaleProb: 0.2, blurProbs: [1, 0.1, 0.5], solarizeProb: 0.2 },
  ...{ localCrops: 10, localSize: 0 },
};

/** BEiT, data2vec and CAE. */
const masked = {
  batchSize: 2048,
  betas: [0.9, 0.999],
  weightDecay: 0.05,
  clip: { limit: 3, by: "model" },
};
const blocks = { minBlock: 16, layerScale: 0.1, dropPath: 0.1, cropScale: [0.08, 1], jitter: 0.4 };

const PAPER: Record<MethodName, object> = {
  supervised: {
    ...{ ...adamw, batchSize: 1024, epochs: 300, lr: byMae(5e-4, 512, 1e-5, 5 / 300) },
    config: {
      ...{ labelSmoothing: 0.1, mixup: 0.8, cutmix: 1, switchProb: 0.5, erasing: 0.25, randAugment: 9 },
      ...{ cropScale: [0.08, 1], repeats: 3, dropPath: 0.1, weightEma: 0.99996 },
      ...{ layerDecay: 1, meanPool: false },
      ...{ jitterProb: 0.8, jitter: 0.4, hue: 0.1 }, // only where there is no RandAugment
    },
  },
  "moco-v3": {
    ...{ ...adamw, weightDecay: 0.1, batchSize: 4096, epochs: 300, lr: byMae(1.5e-4, 256, 0, 40 / 300) },
    config: {
      ...{ hiddenDim: 4096, dim: 256, temperature: 0.2, momentum: 0.99, cropScale: [0.08, 1] },
      ...{ jitterProb: 0.8, grayscaleProb: 0.2, blurProbs: [1, 0.1], solarizeProb: 0.2 },
    },
  },
  dino: {
    ...selfDistilled,
    config: { ...ofBoth, prototypes: 65_536, globalScale: [0.25, 1], localScale: [0.05, 0.25] },
  },
  ibot: {
    ...selfDistilled,
    config: {
      ...{ ...ofBoth, prototypes: 8192, globalScale: [0.32, 1], localScale: [0.05, 0.32] },
      ...{ warmupTeacherPatchTemperature: 0.04, teacherPatchTemperature: 0.07 },
      ...{ predRatio: 0.3, predRatioVar: 0.2, predShare: 0.5, randomMasks: false },
    },
  },
  mae: {
    ...{ ...adamw, betas: [0.9, 0.95], batchSize: 4096, epochs: 800, lr: byMae(1.5e-4, 256, 0, 40 / 800) },
    config: {
      ...{ maskRatio: 0.75, normPixLoss: true, cropScale: [0.2, 1] },
      ...{ decoderEmbedDim: 0, decoderDepth: 0, decoderNumHeads: 0 },
    },
  },
  beit: {
    ...{ ...masked, epochs: 800, lr: byDino(1.5e-3, 1e-5, 10 / 800) },
    config: { ...blocks, maskedPatches: 75, relativePositions: true, tokens: 8192 },
  },
  data2vec: {
    ...{ ...masked, epochs: 800, lr: byDino(2e-3, 1e-5, 10 / 800) },
    config: {
      ...{ ...blocks, maskedPatches: 120, relativePositions: true, layerScale: 1e-4, dropPath: 0.25 },
      ...{ targetBlocks: 0, momentum: 0.9998, beta: 2 },
    },
  },
  cae: {
    ...{ ...masked, epochs: 1600, lr: byDino(1.5e-3, 1e-5, 40 / 1600) },
    config: {
      ...{ ...blocks, jitter: 0, maskedPatches: 98, tokens: 8192 },
      ...{ regressorDepth: 4, decoderDepth: 4, alignment: 2 },
    },
  },
};

/** What differs between the recipes of fine-tuning. */
const TUNED: Record<Exclude<FineTuningName, "finetune-small">, [changes: object, config: object]> = {
  "finetune-mae": [{ batchSize: 1024, lr: byMae(5e-4, 256, 1e-6, 5 / 100) }, {}],
  "finetune-beit": [{ batchSize: 1024, lr: { ...byDino(4e-3, 1e-6, 20 / 100), per: 1024 } }, {}],
  "finetune-data2vec": [
    { batchSize: 1024, lr: { ...byDino(4e-3, 1e-6, 10 / 100), per: 1024 }, weightDecay: 0 },
    { dropPath: 0.2 },
  ],
  "finetune-cae": [{ batchSize: 4096, lr: { ...byDino(8e-3, 1e-6, 5 / 100), per: 4096 } }, {}],
};

test.each(Object.keys(METHODS) as MethodName[])(
  "%s: the paper recipe has the published numbers",
  (method) => {
    expect(whole(method, "paper")).toEqual(PAPER[method]);
  },
);

test.each(Object.entries(TUNED))("%s has the published numbers", (name, [changes, config]) => {
  const { config: deit } = PAPER.supervised as { config: object };
  expect(whole("supervised", name as FineTuningName)).toEqual({
    ...{ ...adamw, epochs: 100, ...changes },
    config: { ...deit, weightEma: 0, repeats: 1, meanPool: true, layerDecay: 0.65, ...config },
  });
});

describe("what follows from the encoder and the batch", () => {
  const made = (method: MethodName, model: string, batchSize: number) =>
    runSettings({
      method,
      model,
      batchSize,
      recipe: "paper",
      seed: 0,
      totalSteps: 1000,
      data: { name: "toy", count: 1000, width: 224, height: 224, classes: 10 },
    });

  test("local crops are 96 of 224 pixels, and smaller than the picture on every grid of two patches and more", () => {
    const sides = [224, 96, 64, 32].map((side) => {
      const { config } = made("dino", `vit_micro_patch${side === 224 ? 16 : 4}_${side}`, 4);
      return (config as { localSize: number }).localSize;
    });
    expect(sides).toEqual([96, 40, 28, 12]);
    expect(made("ibot", "vit_micro_patch16_32", 4).config).toMatchObject({ localSize: 16 });
  });

  test("rates follow the batch where the recipe says by how many pictures", () => {
    const rates = (["supervised", "dino", "beit"] as const).map(
      (method) => made(method, "vit_micro_patch16_224", 64).lr,
    );
    expect(rates).toMatchObject([
      { base: 6.25e-5, min: 1e-5, warmupSteps: 17 },
      { base: 1.875e-4, min: 2e-6, warmupSteps: 25 },
      { base: 1.5e-3, min: 1e-5, warmupSteps: 13 },
    ]);
  });

  test("a rate that is below the published least one stays as it is", () => {
    expect(made("supervised", "vit_micro_patch16_224", 8).lr).toMatchObject({
      base: 7.8125e-6,
      min: 7.8125e-6,
    });
  });
});
