import { creatures } from "../../src/data/creatures/creatures.ts";
import type { MethodName } from "../../src/models/methods.ts";
import { type RunSettings, runSettings } from "../../src/train/run.ts";

const dino = {
  prototypes: 48,
  hiddenDim: 32,
  bottleneckDim: 16,
  localCrops: 2,
  localSize: 8,
  warmupTeacherTemperature: 0.04,
  teacherTemperature: 0.07,
  teacherWarmup: 0.5, // 3 of 6 epochs
  freezeLastLayer: 0.25,
  dropPath: 0.2,
};

/** Settings of each method that make it small; a method without a line here fails the tests that run over all. */
const SMALL: Record<MethodName, object> = {
  supervised: {
    randAugment: 9,
    mixup: 0.8,
    cutmix: 1,
    erasing: 0.5,
    repeats: 3,
    dropPath: 0.2,
    weightEma: 0.9,
  },
  mae: { decoderDepth: 1, decoderEmbedDim: 32, decoderNumHeads: 2 },
  beit: { relativePositions: true, tokens: 8, maskedPatches: 6, minBlock: 2, dropPath: 0.2 },
  data2vec: { maskedPatches: 9, minBlock: 2, dropPath: 0.2 },
  cae: { tokens: 8, maskedPatches: 8, minBlock: 2, dropPath: 0.2, regressorDepth: 1, decoderDepth: 1 },
  "moco-v3": { hiddenDim: 32, dim: 16, blurProbs: [0.5, 0.5] },
  dino,
  ibot: { ...dino, teacherPatchTemperature: 0.07 },
};

/** Eight pictures in batches of four: an epoch has two steps. */
export const pictures = creatures({ kind: "creatures-coat", count: 8, seed: 4 });

/** A short run with every schedule moving, of two narrow blocks: what is held here depends on no size. */
export function smallRun(
  method: MethodName,
  changes: { totalSteps?: number; seed?: number } = {},
): RunSettings {
  const { encoder, ...settings } = runSettings({
    method,
    recipe: "small",
    model: "vit_micro_patch4_16",
    data: { name: "coat", count: pictures.count, width: 32, height: 32, classes: pictures.classes.length },
    seed: 3,
    batchSize: 4,
    totalSteps: 12,
    warmupSteps: 3,
    config: SMALL[method],
    ...changes,
  });
  return { ...settings, encoder: { ...encoder, embedDim: 32, depth: 2, numHeads: 2 } };
}
