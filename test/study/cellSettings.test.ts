import { expect, test } from "vitest";
import { cellSettings } from "../../src/study/cell.ts";
import type { StudyPlan } from "../../src/study/plan.ts";

const plan: StudyPlan = {
  name: "toy",
  model: "vit_micro_patch4_32",
  pictures: 50,
  seeds: [0],
  floorSeeds: [0],
  data: {},
  methods: { mae: { batch: 20, lr: 0.25 } },
  neighbours: 5,
  linearEpochs: 2,
};

test("the run of a cell is the small recipe with the plan's changes; it names its pictures and holds none", () => {
  const pixels = new Uint8Array(10 * 3072);
  const data = {
    ...{ name: "toy", width: 32, height: 32, count: 10, pixels },
    ...{ labels: new Int32Array(10), classes: ["a", "b"] },
  };
  const settings = cellSettings(plan, { data: "toy", encoder: "mae", seed: 3 }, data);
  expect(settings).toMatchObject({ recipe: "small", seed: 3, batchSize: 10, totalSteps: 5 });
  expect(settings.lr.base).toBe(0.25);
  expect(settings.data).toEqual({ name: "toy", width: 32, height: 32, count: 10, classes: 2 });
});
