import { expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { NonFiniteLossError } from "../../src/engine/graph/guard.ts";
import { type CellPictures, runCell } from "../../src/study/cell.ts";
import { type Cell, cellPlan, type StudyPlan } from "../../src/study/plan.ts";
import { PROBES } from "../../src/study/probes.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const plan: StudyPlan = {
  name: "toy",
  model: "vit_micro_patch16_32",
  pictures: 24,
  seeds: [0],
  floorSeeds: [0],
  data: { coat: { source: "creatures-coat", train: 16, probe: 20, test: 20, parts: 0 } },
  methods: { mae: { batch: 8, config: { decoderDepth: 1 } } },
  neighbours: 3,
  probes: PROBES,
  linearEpochs: 2,
  attentiveEpochs: 2,
};
const drawn = (count: number, split: "train" | "test" = "train") =>
  creatures({ kind: "creatures-coat", count, size: 32, split });
const pictures: CellPictures = {
  train: drawn(16),
  targets: [{ name: "objects", probe: drawn(20), test: drawn(20, "test") }],
};
const cell: Cell = { data: "coat", encoder: "mae", seed: 0 };

test("a cell is trained by the loop of every run and read out by every probe; a clock changes nothing else", async () => {
  const told: number[] = [];
  let time = 0;
  const compute = () =>
    runCell(on.device, plan, cell, pictures, {
      now: () => time++,
      onProgress: ({ step }) => told.push(step),
    });
  const { training, readouts, ...about } = await compute();
  expect(about).toEqual({ ...cell, plan: cellPlan(plan, cell) });
  expect(training).toMatchObject({ pictures: 24, settings: { method: "mae", batchSize: 8, totalSteps: 3 } });
  expect(training!.rows.map(({ step }) => step)).toEqual([0, 1, 2]);
  expect(told).toEqual([0, 1, 2]);
  for (const { loss, gradNorm } of training!.rows) expect([loss! > 0, gradNorm! > 0]).toEqual([true, true]);
  const names = readouts.map(({ target, reading, probe }) => `${target} ${reading} ${probe}`);
  expect(names).toEqual(
    [
      ...["cls", "mean"].flatMap((reading) => ["k-NN", "linear", "retrieval"].map((p) => `${reading} ${p}`)),
      "tokens attentive",
    ].map((name) => `objects ${name}`),
  );
  for (const { score, pictures: each } of readouts) {
    expect(score).toBeGreaterThanOrEqual(0);
    expect(score).toBeLessThanOrEqual(1);
    expect(each.items).toEqual(Array(20).fill(1));
  }
  expect(training!.flops).toBeGreaterThan(1e6);
  const again = await compute();
  expect(again.readouts).toEqual(readouts);
  expect(again.training!.rows).toEqual(training!.rows);
});

test("a plan without some probes does not ask them, and pixels have no tokens", async () => {
  const readouts = async (encoder: Cell["encoder"], probes: StudyPlan["probes"]) => {
    const found = await runCell(on.device, { ...plan, probes }, { ...cell, encoder }, pictures, {
      now: () => 0,
    });
    return found.readouts.map(({ reading, probe }) => `${reading} ${probe}`);
  };
  expect(await readouts("untrained", ["attentive"])).toEqual(["tokens attentive"]);
  expect(await readouts("pixels", ["k-NN", "attentive"])).toEqual(["pixels k-NN"]);
});

test("a cell measures its encoder before the first step where asked, which no step changes, and parts by name", async () => {
  const labels = Int32Array.from({ length: 20 }, (_, i) => i % 2);
  const asParts = (set: ReturnType<typeof drawn>) => ({ ...set, labels, classes: ["wing", "tail"] });
  const targets = [{ name: "parts" as const, probe: asParts(drawn(20)), test: asParts(drawn(20, "test")) }];
  const found = (lr: number) =>
    runCell(
      on.device,
      { ...plan, methods: { mae: { ...plan.methods.mae, lr } } },
      cell,
      { ...pictures, targets },
      { now: () => 0, readFirst: true },
    );
  const [slow, fast] = [await found(1e-4), await found(1e-2)];
  expect(slow.first!.map(({ reading, probe }) => `${reading} ${probe}`)).toEqual([
    ...["k-NN", "linear", "retrieval"].map((probe) => `mean ${probe}`), // MAE's own reading
    "tokens attentive",
  ]);
  expect(fast.first).toEqual(slow.first);
  expect(fast.readouts).not.toEqual(slow.readouts);
  for (const { classes, score } of slow.readouts) {
    expect(Object.entries(classes!).map(([name, { items }]) => [name, items])).toEqual([
      ["wing", 10],
      ["tail", 10],
    ]);
    expect((classes!.wing!.sum + classes!.tail!.sum) / 20).toBeCloseTo(score, 12);
  }
});

test("a cell whose training diverges fails as a run does", async () => {
  const wild: StudyPlan = { ...plan, pictures: 48, methods: { mae: { batch: 8, lr: 1e30 } } };
  await expect(runCell(on.device, wild, cell, pictures, { now: () => 0 })).rejects.toThrow(
    NonFiniteLossError,
  );
});
