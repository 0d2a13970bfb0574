/** Finished cells of a study, made up: every method on two sets with as many seeds as asked for. */

import type { FinishedCell } from "../../src/cli/study/cell.ts";
import type { StudyReport } from "../../src/cli/study/report/data.ts";
import { studyReport } from "../../src/cli/study/report/write.ts";
import { Random } from "../../src/engine/random.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { PROJECTIONS } from "../../src/study/claims.ts";
import { asksPixels, cellName, cellPlan, cellsOf, isMethod, type StudyPlan } from "../../src/study/plan.ts";
import { isPixelScore, PIXEL_SCORES, PROBES, sharedReading } from "../../src/study/probes.ts";
import type { Readout } from "../../src/study/readouts.ts";
import { TARGETS } from "../../src/study/targets.ts";
import { runSettings } from "../../src/train/run.ts";

const PICTURES = 60;
const PARTS = ["wing", "tail", "head"];
const SET = { train: 6000, probe: 1000, test: PICTURES, parts: PICTURES };

export const plan: StudyPlan = {
  name: "planted",
  model: "vit_micro_patch4_32",
  pictures: 500_000,
  seeds: [0, 1, 2],
  floorSeeds: [0, 1, 2],
  data: {
    coat: { ...SET, source: "creatures-coat" },
    shape: { ...SET, source: "creatures-shape" },
  },
  methods: Object.fromEntries(Object.keys(METHODS).map((name) => [name, {}])),
  probes: PROBES,
  neighbours: 20,
  linearEpochs: 30,
  attentiveEpochs: 30,
};

/** Shares of objects and of parts, as on the coat set of the study's prototypes. */
const TRUTH: Record<string, readonly [number, number]> = {
  pixels: [0.446, 0.5],
  untrained: [0.3, 0.3],
  supervised: [0.9, 0.38],
  "moco-v3": [0.71, 0.53],
  dino: [0.55, 0.45],
  ibot: [0.6, 0.5],
  mae: [0.6, 0.66],
  beit: [0.4, 0.42],
  data2vec: [0.25, 0.28],
  cae: [0.5, 0.55],
};

/** Names of what a method logs. */
const SIGNS: Partial<Record<MethodName, string[]>> = {
  dino: ["teacherEntropy", "marginalEntropy", "featureStd"],
  "moco-v3": ["featureStd", "effectiveRank"],
};

function readoutOf(
  about: Pick<Readout, "target" | "reading" | "probe">,
  share: number,
  random: Random,
): Readout {
  const labels = Array.from({ length: PICTURES }, (_, i) => PARTS[i % PARTS.length]!);
  const sums = labels.map((label) => {
    const level = share + (about.target === "parts" ? 0.1 * (PARTS.indexOf(label) - 1) : 0);
    return Math.min(1, Math.max(0, level + 0.2 * random.normal()));
  });
  const score = sums.reduce((sum, value) => sum + value, 0) / PICTURES;
  const pictures = { items: sums.map(() => 1), sums };
  if (about.target === "objects") return { ...about, score, floor: 0.05, pictures };
  const classes = Object.fromEntries(
    PARTS.map((part) => {
      const own = sums.filter((_, i) => labels[i] === part);
      return [part, { items: own.length, sum: own.reduce((sum, value) => sum + value, 0) }];
    }),
  );
  return { ...about, score, floor: 0.2, pictures, classes };
}

/** The cells of a plan, all finished. */
export const plantedCells = (of: StudyPlan = plan): FinishedCell[] =>
  cellsOf(of).map((cell, at): FinishedCell => {
    const { encoder, seed } = cell;
    const random = new Random(7, "test", at);
    const probes = [...PROBES, ...(asksPixels(of) ? PIXEL_SCORES : [])];
    const projection = PROJECTIONS[encoder as keyof typeof PROJECTIONS];
    const readings = encoder === "pixels" ? ["pixels"] : ["cls", "mean", ...(projection ? [projection] : [])];
    const read = (truth: readonly [number, number], of: readonly string[]) =>
      TARGETS.flatMap((target, t) =>
        probes.flatMap((probe) => {
          const shared = sharedReading(probe);
          const ofPixels = isPixelScore(probe) ? ["pixels"] : probe === "attentive" ? [] : of;
          const readings = encoder === "pixels" ? ofPixels : shared === null ? of : [shared];
          return readings.map((reading) => {
            const lost = reading === projection ? 0.1 : probe === "retrieval" ? 0.05 : 0;
            return readoutOf({ target, reading, probe }, truth[t]! - lost, random);
          });
        }),
      );
    const found = {
      ...cell,
      plan: cellPlan(of, cell),
      readouts: read(TRUTH[encoder]!, readings),
      seconds: 100,
      finished: "2026-05-04T10:20:30.000Z",
      versions: { partwise: "0.1.0", commit: "0123456789ab", node: "v20.1.0", dawn: "0.6.2" },
      adapter: {
        ...{ description: "A <GPU>", vendor: "acme", architecture: "one", backend: "Vulkan" },
        ...{ software: false, subgroupSize: 32 },
      },
    };
    if (!isMethod(encoder)) return found;
    const settings = runSettings({
      method: encoder,
      model: of.model,
      data: { name: "creatures-coat-train", count: 6000, width: 32, height: 32, classes: 20 },
      seed,
      batchSize: 256,
      totalSteps: 1000,
    });
    const rows = Array.from({ length: 50 }, (_, i) => ({
      step: 20 * i,
      loss: 2 * Math.exp(-i / 15) + 0.5 + 0.05 * random.normal(),
      gradNorm: 1 + 0.1 * random.normal(),
      ...Object.fromEntries((SIGNS[encoder] ?? []).map((name) => [name, 0.5 + 0.1 * random.normal()])),
    }));
    const training = { settings, pictures: 256_000, seconds: 90 + at, flops: 256 * 7e7, rows };
    return { ...found, first: read(TRUTH.untrained!, ["cls", "mean"]), training };
  });

/** The report of some cells. */
export const plantedReport = (cells: readonly FinishedCell[] = plantedCells(), of = plan): StudyReport =>
  studyReport(cells, {
    plan: of,
    command: "partwise study planted.yaml --out runs/planted",
    written: "2026-05-05T00:00:00.000Z",
    missing: cellsOf(of)
      .map(cellName)
      .filter((name) => !cells.some((cell) => cellName(cell) === name)),
  });
