import { expect, test } from "vitest";
import { cellChange, cellSettings } from "../../src/study/cell.ts";
import { cellPlan, type StudyPlan } from "../../src/study/plan.ts";
import { PROBES } from "../../src/study/probes.ts";
import { descriptionOf } from "../../src/train/run.ts";

const plan: StudyPlan = {
  name: "toy",
  model: "vit_micro_patch4_32",
  pictures: 50,
  seeds: [0],
  floorSeeds: [0],
  data: {},
  methods: { mae: { batch: 20, lr: 0.25 } },
  neighbours: 5,
  probes: PROBES,
  linearEpochs: 2,
  attentiveEpochs: 2,
};

test("the run of a cell is the small recipe with the plan's changes; it names its pictures and holds none", () => {
  const pixels = new Uint8Array(10 * 3072);
  const data = {
    ...{ name: "toy", width: 32, height: 32, count: 10, pixels },
    ...{ labels: new Int32Array(10), classes: ["a", "b"] },
  };
  const settings = cellSettings(plan, { data: "toy", encoder: "mae", seed: 3 }, descriptionOf(data));
  expect(settings).toMatchObject({ recipe: "small", seed: 3, batchSize: 10, totalSteps: 5 });
  expect(settings.lr.base).toBe(0.25);
  expect(settings.data).toEqual({ name: "toy", width: 32, height: 32, count: 10, classes: 2 });
});

test("a finished cell is another's where its recipe was another, though the plan is the same", () => {
  const cell = { data: "toy", encoder: "mae", seed: 3 } as const;
  const set = { source: "creatures-coat", train: 10, probe: 8, test: 8, parts: 0 };
  const asked = { ...plan, data: { toy: set } };
  const data = { name: "toy", width: 32, height: 32, count: 10, classes: 2 };
  const settings = cellSettings(asked, cell, data);
  const changeFrom = (was: object) => {
    const training = { settings: { ...settings, ...was }, pictures: 50, seconds: 1, flops: 1, rows: [] };
    return cellChange(JSON.parse(JSON.stringify({ plan: cellPlan(asked, cell), training })), asked, cell);
  };
  expect(changeFrom({})).toBeNull();
  expect(changeFrom({ clip: 7 })).toMatch(/^settings\.clip was 7 and is /);
  expect(changeFrom({ config: { ...settings.config, maskRatio: 0.123 } })).toMatch(
    /^settings\.config\.maskRatio was 0\.123 and is /,
  );
});

test("a finished cell of before its method gained settings had the values that were fixed then", () => {
  const set = { source: "creatures-coat", train: 10, probe: 8, test: 8, parts: 0 };
  const asked = { ...plan, data: { toy: set }, methods: { supervised: {}, dino: {} } };
  const changeWithout = (encoder: "supervised" | "dino", ...later: string[]) => {
    const cell = { data: "toy", encoder, seed: 3 };
    const data = { name: "toy", width: 32, height: 32, count: 10, classes: 2 };
    const settings = cellSettings(asked, cell, data);
    const known = Object.entries(settings.config).filter(([key]) => !later.includes(key));
    const of = { ...settings, config: Object.fromEntries(known) } as typeof settings;
    const training = { settings: of, pictures: 50, seconds: 1, flops: 1, rows: [] };
    return cellChange({ plan: cellPlan(asked, cell), training }, asked, cell);
  };
  expect(changeWithout("supervised", "randAugment", "repeats")).toBeNull();
  expect(changeWithout("dino", "grayscaleProb")).toBe("settings.config.grayscaleProb was 0.2 and is 0");
});
