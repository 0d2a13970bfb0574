/** What was computed, on what, by what, and how long it took. */
import { vitConfig } from "../../models/vit.ts";
import type { RunSettings } from "../../train/run.ts";
import type { StartReport, TrainingReport } from "./data.ts";
import { html, type Markup } from "./markup.ts";
import { grouped, nameOf, rounded } from "./words.ts";

type Fact = readonly [string, ...(string | number | Markup)[]];

/** Rows of facts: a name, then one column or several. */
export const facts = (rows: readonly Fact[]): Markup =>
  html`${rows.map(([name, ...values]) => html`<tr><th scope="row">${name}</th>${values.map((value) => html`<td>${value}</td>`)}</tr>\n`)}`;

/** The runs side by side. */
export function settingsSection({ trainings, plan, pictures }: StartReport): Markup {
  const row = (name: string, value: (training: TrainingReport) => string | number): Fact => [
    name,
    ...trainings.map(value),
  ];
  const { embedDim, depth, numHeads, imageSize, patchSize } = vitConfig(plan.model);
  return html`<h2>Settings</h2>
<p>${plan.model}: width ${embedDim}, ${depth} blocks, ${numHeads} heads, ${(imageSize / patchSize) ** 2} patches; seed ${plan.seeds.join(", ")}.
${pictures.set}: ${grouped(pictures.train)} pictures to train on, ${pictures.targets.objects.classes.length} species.</p>
<table class="facts">
<thead><tr><td></td>${trainings.map(({ method }) => html`<th scope="col">${nameOf(method)}</th>`)}</tr></thead>
<tbody>
${facts([
  row("pictures seen", ({ pictures: seen }) => grouped(seen)),
  row(
    "steps",
    ({ settings: { totalSteps, batchSize } }) => `${grouped(totalSteps)} of ${batchSize} pictures`,
  ),
  row("parameters", ({ parameters }) => grouped(parameters)),
  row(
    "learning rate",
    ({ settings: { lr } }) =>
      `${rounded(lr.base)} after ${lr.warmupSteps} steps, then half a cosine to ${lr.min}`,
  ),
  row("optimiser", ({ settings }) => optimiserOf(settings)),
  row("recipe", ({ settings: { recipe } }) => recipe),
  row("its own settings", ({ settings: { config } }) => ownOf(config)),
])}</tbody></table>`;
}

/** AdamW and its numbers, in words. */
export function optimiserOf({ betas, weightDecay, clip }: RunSettings): string {
  const decay = weightDecay.kind === "constant" ? weightDecay.value : "that changes";
  return `AdamW, β ${betas.join(" / ")}, weight decay ${decay}${clip === null ? "" : `, clipped at ${clip.limit}`}`;
}

/** Settings of a method, in words. */
export const ownOf = (config: object): string =>
  Object.entries(config)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");

/** Adapter, machine, versions. */
export function environmentSection({ adapter, machine, versions }: StartReport): Markup {
  return html`<h2>Adapter</h2>
<table class="facts">
${facts([
  [
    "adapter",
    html`${adapter.description}${adapter.software ? html` <span class="label">software adapter</span>` : ""}`,
  ],
  ["vendor, architecture", `${adapter.vendor}, ${adapter.architecture}`],
  ["API", `WebGPU on ${adapter.backend} (Dawn, package webgpu ${versions.dawn})`],
  ["subgroups", adapter.subgroupSize > 0 ? `of ${adapter.subgroupSize} lanes` : "not used"],
  ["machine", machine],
  ["versions", `Partwise ${versions.partwise}, Node ${versions.node}`],
])}</table>
${
  adapter.software
    ? html`<p class="muted">A software adapter computes on the processor: the results are right, the times say nothing about a GPU.</p>`
    : ""
}`;
}

/** Stage by stage, and each method's speed. */
export function timeSection({ timing: { stages, totalSeconds }, trainings }: StartReport): Markup {
  const speeds = trainings.map(({ method, pictures, seconds, dispatches, stepBytes }) => {
    const rate = (pictures / seconds).toFixed(0);
    const memory = (stepBytes / 2 ** 20).toFixed(1);
    return `${nameOf(method)} trained for ${seconds.toFixed(0)} s at ${rate} pictures per second; one step is ${dispatches} dispatches in ${memory} MiB of working memory.`;
  });
  return html`<h2>Time</h2>
<table class="facts">
${[...stages, { name: "all", seconds: totalSeconds }].map(
  ({ name, seconds }) =>
    html`<tr><th scope="row">${name}</th><td class="number">${seconds.toFixed(1)} s</td></tr>\n`,
)}</table>
<p class="muted">${speeds.join(" ")}</p>`;
}

/** The command, and where the numbers are. */
export function reproduceSection({ command, trainings }: StartReport): Markup {
  return html`<h2>How to get this again</h2>
<p>In a checkout of the repository:</p>
<pre>${command}</pre>
<p class="muted">On the same adapter the command gives the same numbers to the bit; another adapter rounds a little differently. Every number
of this page, retrieval and the settings in full are in report.json, the weights in
${trainings.map(({ method }) => `${method}/checkpoint.safetensors`).join(" and ")}.</p>`;
}
