import { afterAll, beforeAll, expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import type { MetricRow } from "../../src/engine/step/metricRing.ts";
import { COLLAPSE_WINDOW, collapseWarning, collapseWatch } from "../../src/models/collapseWarning.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { type ProgressRow, train } from "../../src/train/loop.ts";
import { runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const pictures = creatures({ kind: "creatures-coat", count: 32, seed: 4 });
let images: DeviceImages;
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
});
afterAll(() => images.dispose());

const HEAD = { prototypes: 64, hiddenDim: 64, bottleneckDim: 32 };
/** Views that are changed as the paper's; with crops alone the answers stay apart for longer. */
const PAPER = { jitterProb: 0.8, grayscaleProb: 0.2, blurProbs: [1, 0.1, 0.5], solarizeProb: 0.2 };

/** The rows of a short run of DINO on 32 pictures, and what the loop warned of. */
async function runOf(config: object, totalSteps: number) {
  const settings = runSettings({
    method: "dino",
    recipe: "small",
    model: "vit_micro_patch8_32",
    data: { name: "coat", count: pictures.count, width: 32, height: 32 },
    seed: 3,
    batchSize: 8,
    totalSteps,
    rate: 2e-3,
    warmupSteps: 10,
    config: { ...PAPER, ...HEAD, localCrops: 0, momentum: 0.99, ...config },
  });
  const encoder = { ...settings.encoder, embedDim: 32, depth: 1, numHeads: 2 };
  const trainer = new Trainer(on.device, { ...settings, encoder }, images);
  const rows: ProgressRow[] = [];
  const warnings: string[] = [];
  await train(trainer, {
    now: () => performance.now(),
    onProgress: (row) => void rows.push(row),
    onWarning: (sentence) => void warnings.push(sentence),
  });
  return { rows, warnings };
}

const signs = (values: Record<string, number>, count = COLLAPSE_WINDOW): MetricRow[] =>
  Array.from({ length: count }, (_, step) => ({ step, values }));

test("DINO without centering collapses to one prototype, which is told once; with it nothing is told", async () => {
  const { rows, warnings } = await runOf({ centerMomentum: 1 }, 120);
  const told = warnings.filter((sentence) => !sentence.includes("plateau")); // on its way there it may stand on one
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(
    /^step \d+: collapse, the teacher answers every picture alike, with one prototype \(teacherEntropy 0\.\d{3}\)\. Lower/,
  );
  const { loss, metrics } = rows.at(-1)!;
  const names = ["teacherEntropy", "marginalEntropy", "kl", "centerNorm", "featureStd", "effectiveRank"];
  expect(Object.keys(metrics)).toEqual(names);
  expect(metrics.kl!).toBeLessThan(0.01); // the student agrees: the loss is small, and nothing was learnt
  expect(loss).toBeCloseTo(metrics.teacherEntropy! + metrics.kl!, 5);
  const ordinary = await runOf({}, 120);
  expect(ordinary.rows).toHaveLength(120);
  expect(ordinary.warnings.filter((sentence) => sentence.includes("collapse"))).toEqual([]);
});

test("the other ways to collapse have a line each", () => {
  const healthy = { featureStd: 0.6, teacherEntropy: 2, marginalEntropy: 5 };
  expect(collapseWarning(signs(healthy))).toBeNull();
  expect(collapseWarning(signs({ ...healthy, teacherEntropy: 6.93, marginalEntropy: 6.931 }))).toMatch(
    /^step 49: collapse, .* with all prototypes at once \(teacherEntropy 6\.930\)\. Lower the teacher's temperature$/,
  );
  expect(collapseWarning(signs({ featureStd: 0.004 }))).toMatch(
    /^step 49: collapse, the features of all pictures point one way \(featureStd 0\.004/,
  );
});

test("nothing is said of a run that has just begun, or of a method without signs", () => {
  expect(collapseWarning(signs({ featureStd: 0 }, COLLAPSE_WINDOW - 1))).toBeNull();
  expect(collapseWarning(signs({ loss: 1, gradNorm: 1 }))).toBeNull();
});

/** What is told of windows of steps whose teachers' answers tell so many nats. */
function toldOf(...nats: number[]): string[] {
  const watch = collapseWatch();
  return nats.flatMap((told, window) =>
    signs({ featureStd: 0.6, teacherEntropy: 3.1 - told, marginalEntropy: 3.1 }).flatMap(
      ({ step, values }) => watch({ step: window * COLLAPSE_WINDOW + step, values }) ?? [],
    ),
  );
}

test("a teacher that comes to tell less than 40 % of what it told at first is told of once", () => {
  expect(toldOf(0.8, 0.25, 0.25, 0.25)).toEqual([
    "step 99: plateau, the teacher's answers tell less of the pictures than at first (0.250 nats, 0.800 over steps 0 to 49). " +
      "Measure the encoder before it trains on",
  ]);
  expect(toldOf(0.8, 0.35, 2, 0.35)).toEqual([]);
  expect(toldOf(0.25, 0.25)).toEqual([]); // it has always been so
});

test("a collapse after a plateau is told as well", () => {
  expect(toldOf(0.8, 0.25, 0)).toEqual([
    expect.stringMatching(/^step 99: plateau/),
    expect.stringMatching(/^step 14\d: collapse, the teacher answers every picture alike/),
  ]);
});
