import { expect, test } from "vitest";
import { cellName, cellsOf, type StudyPlan } from "../../src/study/plan.ts";

const set = { source: "creatures-coat", train: 8, probe: 8, test: 8, parts: 0 };
const plan: StudyPlan = {
  name: "toy",
  model: "vit_micro_patch4_32",
  pictures: 16,
  seeds: [4, 5],
  floorSeeds: [0],
  data: { coat: set, shape: { ...set, source: "creatures-shape" } },
  methods: { mae: {}, supervised: {} },
  neighbours: 5,
  linearEpochs: 2,
};

test("every set has its floors, and every method with every seed, seed by seed", () => {
  const names = cellsOf(plan).map(cellName);
  const ofSet = (name: string) =>
    ["pixels-0", "untrained-0", "supervised-4", "mae-4", "supervised-5", "mae-5"].map(
      (cell) => `${name}/${cell}`,
    );
  expect(names).toEqual([...ofSet("coat"), ...ofSet("shape")]);
  expect(new Set(names).size).toBe(names.length);
});
