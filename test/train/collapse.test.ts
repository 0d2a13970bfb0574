import { afterAll, beforeAll, expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import type { MetricRow } from "../../src/engine/step/metricRing.ts";
import { COLLAPSE_WINDOW, collapseWarning } from "../../src/models/collapseWarning.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
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

/** The rows of a short run of DINO on 32 pictures. */
async function rowsOf(config: object, totalSteps: number): Promise<MetricRow[]> {
  const settings = runSettings({
    method: "dino",
    recipe: "small",
    model: "vit_micro_patch8_32",
    data: { name: "coat", count: pictures.count, width: 32, height: 32 },
    seed: 3,
    batchSize: 8,
    totalSteps,
    rate: 1e-3,
    warmupSteps: 10,
    config: { prototypes: 64, hiddenDim: 64, bottleneckDim: 32, localCrops: 0, momentum: 0.99, ...config },
  });
  const encoder = { ...settings.encoder, embedDim: 32, depth: 1, numHeads: 2 };
  const trainer = new Trainer(on.device, { ...settings, encoder }, images);
  await trainer.prepare();
  const rows: MetricRow[] = [];
  while (trainer.step < totalSteps) {
    trainer.run();
    if (trainer.step % 25 === 0) rows.push(...(await trainer.ring.read(trainer.step - 25, trainer.step)));
  }
  return rows;
}

const signs = (values: Record<string, number>, count = COLLAPSE_WINDOW): MetricRow[] =>
  Array.from({ length: count }, (_, step) => ({ step, values }));

test("DINO without centering collapses to one prototype, and the rows say so; with it they say nothing", async () => {
  const rows = await rowsOf({ centerMomentum: 1 }, 75);
  expect(collapseWarning(rows)).toMatch(
    /^step 74: collapse, the teacher answers every picture alike, with one prototype \(teacherEntropy 0\.0\d\d\)\. Lower/,
  );
  const last = rows.at(-1)!.values;
  expect(last.kl!).toBeLessThan(0.01); // the student agrees: the loss is small, and nothing was learnt
  expect(last.loss!).toBeCloseTo(last.teacherEntropy! + last.kl!, 5);
  expect(collapseWarning(await rowsOf({}, 75))).toBeNull();
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
