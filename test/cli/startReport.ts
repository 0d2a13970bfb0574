/** A small report of the main job, made up: two methods that cross. */

import { encodePng } from "../../src/cli/png.ts";
import type { CompletedPicture, CutPicture, Encoder, StartReport } from "../../src/cli/report/data.ts";
import { crossingsOf, scoresOf } from "../../src/cli/report/findings.ts";
import type { MethodName } from "../../src/models/methods.ts";
import type { CellResult } from "../../src/study/cell.ts";
import { cellPlan, type StudyPlan } from "../../src/study/plan.ts";
import type { ProbeName } from "../../src/study/probes.ts";
import type { Readout } from "../../src/study/readouts.ts";
import { TARGETS, type TargetName } from "../../src/study/targets.ts";
import { runSettings } from "../../src/train/run.ts";

const PROBES: readonly ProbeName[] = ["k-NN", "linear", "retrieval"];
/** Pictures of the test split. */
const PICTURES = 100;

/** A readout that is right in the first of its pictures: two crops each of parts, one item each of objects. */
function readoutOf(target: TargetName, reading: string, probe: Readout["probe"], score: number): Readout {
  const items = Array.from({ length: PICTURES }, () => (target === "parts" ? 2 : 1));
  const sums = items.map((count, picture) => (picture < Math.round(score * PICTURES) ? count : 0));
  return { target, reading, probe, score, floor: target === "parts" ? 0.2 : 0.05, pictures: { items, sums } };
}

const SHARES: Partial<Record<Encoder, Record<TargetName, number>>> = {
  pixels: { objects: 0.25, parts: 0.6 },
  untrained: { objects: 0.1, parts: 0.3 },
  supervised: { objects: 0.7, parts: 0.31 },
  mae: { objects: 0.3, parts: 0.5 },
};

const settingsOf = (method: MethodName) =>
  runSettings({
    method,
    model: "vit_micro_patch4_32",
    data: { name: "creatures-coat-train", count: 6000, width: 32, height: 32, classes: 20 },
    seed: 7,
    batchSize: 64,
    totalSteps: 3,
  });

/** Cells as a study gives them; `shares` says how often each encoder is right. */
export const resultsOf = (shares = SHARES): CellResult[] =>
  Object.entries(shares).map(([name, share]): CellResult => {
    const encoder = name as Encoder;
    const readings = encoder === "pixels" ? ["pixels"] : ["cls", "mean"];
    const isTrained = encoder === "mae" || encoder === "supervised";
    const cell = { data: "coat", encoder, seed: 7 };
    return {
      ...cell,
      plan: cellPlan(plan, cell),
      readouts: TARGETS.flatMap((target) =>
        readings.flatMap((reading) =>
          PROBES.map((probe) => readoutOf(target, reading, probe, share[target])),
        ),
      ),
      ...(isTrained
        ? {
            training: {
              settings: settingsOf(encoder),
              pictures: 192,
              seconds: 2,
              flops: 3e9,
              rows: [1.5, 1.25, 1].map((loss, step) => ({ step, loss, gradNorm: 1 })),
            },
          }
        : {}),
    };
  });

const plan: StudyPlan = {
  name: "start",
  model: "vit_micro_patch4_32",
  pictures: 192,
  seeds: [7],
  floorSeeds: [7],
  data: { coat: { source: "creatures-coat", train: 6000, probe: 1000, test: PICTURES, parts: PICTURES } },
  methods: { mae: {}, supervised: {} },
  neighbours: 20,
  probes: PROBES,
  linearEpochs: 30,
  attentiveEpochs: 30,
};

export function reportOf(results = resultsOf()): StartReport {
  return {
    format: "partwise.start.2",
    finished: "2026-05-04T10:20:30.000Z",
    command: "npm start -- --pictures 192 --seed 7",
    versions: { partwise: "0.1.0", commit: null, node: "v20.1.0", dawn: "0.6.2" },
    adapter: {
      description: 'Soft<script>alert("x")</script> & Co',
      vendor: "mesa",
      architecture: "software",
      backend: "Vulkan",
      software: true,
      subgroupSize: 8,
    },
    machine: "linux x64, 2 × processor",
    plan,
    pictures: {
      set: "creatures-coat",
      size: 32,
      train: 6000,
      targets: {
        objects: { probe: 1000, test: PICTURES, classes: ["golden quail", "dark crane"] },
        parts: { probe: 210, test: 200, classes: ["head", "tail"] },
      },
    },
    trainings: results.flatMap(({ encoder, training }) =>
      training
        ? [
            {
              method: encoder as MethodName,
              parameters: 572240,
              stepBytes: 3 * 2 ** 20,
              dispatches: 209,
              ...training,
            },
          ]
        : [],
    ),
    reading: "cls",
    scores: scoresOf(results),
    crossings: crossingsOf(results, "cls", ["linear", "k-NN"]),
    timing: {
      stages: [
        { name: "drawing pictures", seconds: 4 },
        { name: "MAE: training", seconds: 90.25 },
      ],
      totalSeconds: 94.5,
    },
  };
}

export const PNG = encodePng(2, 1, [255, 0, 0, 0, 0, 255]);
export const pictures: { cut: CutPicture[]; completed: CompletedPicture[] } = {
  cut: [
    {
      label: "golden quail",
      picture: PNG,
      crops: [
        { part: "head", picture: PNG },
        { part: "tail", picture: PNG },
      ],
    },
  ],
  completed: [{ label: "golden quail", original: PNG, masked: PNG, reconstructed: PNG }],
};
