import { expect, test } from "vitest";
import {
  asksFirst,
  type Cell,
  cellName,
  cellPlan,
  cellsOf,
  firstChange,
  type StudyPlan,
} from "../../src/study/plan.ts";
import { PROBES } from "../../src/study/probes.ts";

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
  probes: PROBES,
  linearEpochs: 2,
  attentiveEpochs: 2,
};

test("every set has its floors, and every method in its order with every seed, seed by seed", () => {
  const names = cellsOf(plan).map(cellName);
  const ofSet = (name: string) =>
    ["pixels-0", "untrained-0", "mae-4", "supervised-4", "mae-5", "supervised-5"].map(
      (cell) => `${name}/${cell}`,
    );
  expect(names).toEqual([...ofSet("coat"), ...ofSet("shape")]);
  expect(new Set(names).size).toBe(names.length);
});

test("a cell is computed by its own part of the plan: what changes elsewhere leaves it as it is", () => {
  const [mae, floor]: Cell[] = [
    { data: "coat", encoder: "mae", seed: 4 },
    { data: "coat", encoder: "untrained", seed: 0 },
  ];
  const change = (cell: Cell, changes: Partial<StudyPlan>): string | null =>
    firstChange(JSON.parse(JSON.stringify(cellPlan(plan, cell))), cellPlan({ ...plan, ...changes }, cell));
  expect(change(mae!, {})).toBeNull();
  expect(change(mae!, { seeds: [9], data: { coat: set }, methods: { mae: {}, dino: { lr: 1 } } })).toBeNull();
  expect(change(mae!, { methods: { mae: { lr: 0.5 } } })).toBe("method.lr was absent and is 0.5");
  expect(change(mae!, { methods: { mae: { config: { maskRatio: 0.5 } } } })).toBe(
    'method.config was absent and is {"maskRatio":0.5}',
  );
  expect(change(mae!, { pictures: 32 })).toBe("method.pictures was 16 and is 32");
  expect(change(floor!, { pictures: 32 })).toBeNull();
  expect(change(floor!, { data: { coat: { ...set, test: 9 } } })).toBe("data.test was 8 and is 9");
  expect(change(floor!, { linearEpochs: 3 })).toBe("linearEpochs was 2 and is 3");
  expect(change(floor!, { attentiveEpochs: 3 })).toBe("attentiveEpochs was 2 and is 3");
  expect(change(floor!, { probes: PROBES.toReversed() })).toBeNull();
  expect(change(floor!, { probes: ["linear"] })).toMatch(/^probes was \["k-NN",.* and is \["linear"\]$/);
});

test("a validation seed is computed on pictures of its own; how much was tuned computes nothing", () => {
  const of = (seed: number, methods: StudyPlan["methods"] = plan.methods) =>
    cellPlan({ ...plan, methods }, { data: "coat", encoder: "mae", seed });
  expect(firstChange(of(4), of(100))).toBe('split was absent and is "val"');
  expect(of(4, { mae: { tuned: 3 } })).toEqual(of(4));
});

test("settings are equal whatever the order of their names", () => {
  expect(firstChange({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).toBeNull();
  expect(firstChange({ a: { b: 1 } }, { a: { b: 1, c: undefined } })).toBeNull();
  expect(firstChange({ a: [1, 2] }, { a: [1, 3] })).toBe("a was [1,2] and is [1,3]");
});

test("first values are read of the runs that count, of single ones unless the plan goes without", () => {
  const asked = (seeds: readonly number[], first?: boolean) => {
    const own = { ...plan, seeds, data: { coat: set }, methods: { mae: {} }, first };
    return cellsOf(own)
      .filter((cell) => asksFirst(own, cell))
      .map(cellName);
  };
  expect(asked([0, 1, 100])).toEqual(["coat/mae-0", "coat/mae-1"]);
  expect(asked([0, 1, 100], false)).toEqual(["coat/mae-0", "coat/mae-1"]); // their gate cannot do without
  expect(asked([0, 100, 101])).toEqual(["coat/mae-0"]); // those above 100 only choose
  expect(asked([0, 100, 101], false)).toEqual([]);
});
