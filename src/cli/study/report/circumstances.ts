/** What was asked and by what it was computed: settings, sets, adapters, versions, times. */
import { SEGMENTATION_RECIPES } from "../../../eval/segmentation/recipe.ts";
import { vitConfig } from "../../../models/vit.ts";
import { type Cell, firstChange, type ReadingPlan } from "../../../study/plan.ts";
import type { AskedName } from "../../../study/probes.ts";
import type { RunSettings } from "../../../train/run.ts";
import { duration } from "../../system/progress.ts";
import type { CellReport, StudyReport } from "./data.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { facts, optimiserOf, ownOf } from "./settings.ts";
import { grouped, nameOf, rounded } from "./words.ts";

/** The plan in a table, and each method's run below it. */
export function settingsSection({ plan, results }: StudyReport): Markup {
  const { embedDim, depth, numHeads, imageSize, patchSize } = vitConfig(plan.model);
  return html`<h2 id="settings">Settings</h2>
<table class="facts">
${facts([
  [
    "encoder",
    `${plan.model}: width ${embedDim}, ${depth} blocks, ${numHeads} heads, ${(imageSize / patchSize) ** 2} patches of pictures of ${imageSize} pixels`,
  ],
  ["seeds", `${plan.seeds.join(", ")}; of untrained encoders ${plan.floorSeeds.join(", ")}`],
  [
    "probes",
    `on frozen features: ${plan.probes.map((probe) => `${probe}${PROBE_SETTINGS[probe](plan)}`).join("; ")}`,
  ],
  ...Object.entries(plan.data).map(
    ([name, { source, train, probe, test, parts, partsFrom, masksFrom, objectMasksFrom, encoders }]) =>
      [
        `set ${name}`,
        `${source}: ${encoders ? "nothing is trained on it" : `${grouped(train)} pictures to train on`}; ${grouped(probe)} that probes learn from, tested on ${grouped(test)}` +
          (parts === 0
            ? ""
            : `; parts ${partsFrom === undefined ? `of ${grouped(parts)} pictures` : `from ${partsFrom}, ${grouped(parts)} crops at most`} of either split`) +
          (masksFrom === undefined ? "" : `; parts of pixels from ${masksFrom}`) +
          (objectMasksFrom === undefined ? "" : `; objects of pixels from ${objectMasksFrom}`),
      ] as const,
  ),
])}</table>
${trainedRuns(results).map(
  ({
    encoder,
    sets,
    settings,
  }) => html`<details><summary>${nameOf(encoder)}: rate ${rounded(settings.lr.base)}, batch ${settings.batchSize}<small>${sets.join(", ")}</small></summary>
<table class="facts">${facts([
    ["recipe", settings.recipe],
    [
      "learning rate",
      `${rounded(settings.lr.base)} after ${settings.lr.warmupSteps} steps, then half a cosine to ${settings.lr.min}`,
    ],
    ["optimiser", optimiserOf(settings)],
    ["its own settings", ownOf(settings.config)],
  ])}</table></details>
`,
)}`;
}

/** What of a plan each probe goes by. */
const PROBE_SETTINGS: Record<AskedName, (plan: ReadingPlan) => string> = {
  "k-NN": ({ neighbours }) => `, ${neighbours} neighbours by cosine`,
  linear: ({ linearEpochs }) => `, a classifier of ${linearEpochs} epochs`,
  attentive: ({ attentiveEpochs }) => `, a head on all tokens of ${attentiveEpochs} epochs`,
  retrieval: () => ", by cosine",
  segmentation: ({ segmentationUpdates = SEGMENTATION_RECIPES.small.updates }) =>
    ` of ${segmentationUpdates} updates, on labelled pixels of the pictures that probes learn from`,
};

/** How encoders were trained: by method, sets that were trained on alike together. Seeds of a set are. */
function trainedRuns(results: readonly CellReport[]) {
  const runs: { encoder: Cell["encoder"]; sets: string[]; settings: RunSettings }[] = [];
  for (const { data: set, encoder, training } of results) {
    if (!training) continue;
    const { settings } = training;
    const own = runs.filter((run) => run.encoder === encoder);
    if (own.some(({ sets }) => sets.includes(set))) continue;
    const same = own.find((run) => isTrainedAlike(run.settings, settings));
    if (same) same.sets.push(set);
    else runs.push({ encoder, sets: [set], settings });
  }
  return runs;
}

/** Whether two runs differ in their pictures and seeds alone. */
const isTrainedAlike = (a: RunSettings, b: RunSettings): boolean =>
  firstChange({ ...a, data: null, seed: null }, { ...b, data: null, seed: null }) === null;

/** What computed, as the cells say it: one line for each different answer. */
export function environmentSection({ results, missing }: StudyReport): Markup {
  const lines = (of: (cell: CellReport) => string | undefined): Markup | string => {
    const counts = new Map<string, number>();
    for (const cell of results) {
      const line = of(cell) ?? "not recorded";
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    if (counts.size === 0) return "no cell is finished";
    return counts.size === 1
      ? [...counts.keys()][0]!
      : html`${[...counts].map(([line, count]) => html`${line} <small>(${count} cells)</small><br>`)}`;
  };
  const times = results.flatMap(({ seconds }) => seconds ?? []);
  const training = results.flatMap(({ training }) => training?.seconds ?? []);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return html`<h2 id="computed">What computed</h2>
<table class="facts">
${facts([
  [
    "cells",
    `${results.length} finished, ${missing.length} missing${missing.length > 0 ? `: ${missing.slice(0, 8).join(", ")}${missing.length > 8 ? " and others" : ""}` : ""}`,
  ],
  [
    "adapter",
    lines(
      ({ adapter }) =>
        adapter &&
        `${adapter.description}${adapter.software ? " (software adapter)" : ""}, ${adapter.backend}`,
    ),
  ],
  [
    "versions",
    lines(
      ({ versions }) =>
        versions && `Partwise ${versions.partwise}, Node ${versions.node}, Dawn ${versions.dawn}`,
    ),
  ],
  ["commit", lines(({ versions }) => versions?.commit ?? undefined)],
  ["finished", range(results.flatMap(({ finished }) => finished ?? []))],
  [
    "time of all cells",
    times.length > 0 ? `${duration(sum(times))}, of it training ${duration(sum(training))}` : "not recorded",
  ],
])}</table>`;
}

/** From the first to the last of some times. */
function range(times: readonly string[]): string {
  const sorted = times.map((time) => time.slice(0, 16).replace("T", " ")).sort();
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined) return "not recorded";
  return first === last ? `${first} UTC` : `${first} to ${last} UTC`;
}
