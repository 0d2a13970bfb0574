import type { MaeSettings } from "../../models/mae.ts";
import { maeConfigOfRun } from "../../train/run.ts";
import {
  type Contender,
  type PictureRow,
  PROBES,
  type ProbeName,
  type StartReport,
  sentenceOf,
} from "./data.ts";
import { lossCurve } from "./lossCurve.ts";
import { html, Markup } from "./markup.ts";
import { STYLE } from "./style.ts";

const CONTENDERS: Record<Contender, string> = {
  pretrained: "pretrained",
  untrained: "untrained",
  pixels: "raw pixels",
};

/** The report as one self-contained HTML page: no script, no address, pictures as data. */
export function startPage(report: StartReport, pictures: readonly PictureRow[]): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Partwise: what MAE learned</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${header(report)}
${results(report)}
${training(report)}
${strip(report, pictures)}
${settings(report)}
${environment(report)}
${timing(report)}
${reproduce(report)}
</body>
</html>
`;
  return page.text;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
/** A share of whole or tenths of percent, as short as it can be. */
const rounded = (share: number): string => `${Number((100 * share).toFixed(1))} %`;
/** "1 block", "2 blocks". */
const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
const grouped = (value: number): string => value.toLocaleString("en-US");

/** Rows of a two-column table of facts. */
const facts = (
  rows: readonly (readonly [string, string | number | Markup])[],
): Markup => html`<table class="facts">
${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`)}</table>`;

const softwareLabel = ({ adapter }: StartReport): Markup | string =>
  adapter.software ? html` <span class="label">software adapter</span>` : "";

function header(report: StartReport): Markup {
  const { settings, data, gains, adapter, timing, finished } = report;
  return html`<h1>What ${grouped(settings.totalSteps)} steps of masked autoencoding taught an encoder</h1>
<p class="verdict">${gains.map((gain, i) => html`${i ? " " : ""}${sentenceOf(gain)}`)}</p>
<p class="muted">${settings.model} on ${grouped(data.train)} drawn pictures without labels, asked afterwards for the
species of ${grouped(data.test)} others. ${adapter.description}${softwareLabel(report)}
· ${timing.totalSeconds.toFixed(0)} s · ${finished.slice(0, 16).replace("T", " ")} UTC</p>`;
}

function results(report: StartReport): Markup {
  const { results, probes, chance, data } = report;
  const { neighbours, temperature, linear, reading } = probes;
  const about: Record<ProbeName, string> = {
    knn: `${neighbours} nearest training pictures by cosine, each votes exp(cosine / ${temperature}).`,
    linear: `A linear classifier on the frozen features, ${linear.epochs} epochs.`,
  };
  const longest = Math.max(chance, ...results.map(({ top1 }) => top1)) * 1.1;
  const width = (share: number): string => `${((100 * share) / longest).toFixed(2)}%`;
  const probe = (name: ProbeName): Markup => html`<section>
<h3>${PROBES[name]}</h3>
${results
  .filter((result) => result.probe === name)
  .map(
    ({ contender, top1 }) => html`<div class="bar ${contender}"><span>${CONTENDERS[contender]}</span>
<div class="track"><div class="fill" style="width:${width(top1)}"></div><div class="chance" style="left:${width(chance)}"></div></div>
<b>${percent(top1)}</b></div>
`,
  )}<p class="muted">${about[name]}</p>
</section>`;
  return html`<h2>Results</h2>
<div class="probes">${probe("knn")}${probe("linear")}</div>
<p class="muted">Top-1 accuracy on ${grouped(data.test)} test pictures of ${data.classes.length} species
(${data.classes.join(", ")}). Dashed: guessing, ${rounded(chance)}. Features: ${reading}, the same for both encoders; the
untrained encoder is the very one that training started from. Intervals: bootstrap over the test pictures, paired; they
do not cover the choice of the seed.${pixelsSentence(report)}</p>`;
}

/** Whether the encoder's k-NN is above that of the pictures themselves. */
function pixelsSentence({ results }: StartReport): string {
  const nearest = (contender: Contender) =>
    results.find((result) => result.contender === contender && result.probe === "knn")!.top1;
  const [ours, floor] = [nearest("pretrained"), nearest("pixels")];
  const where = ours > floor ? "above" : ours < floor ? "below" : "at";
  return ` By nearest neighbours the pretrained encoder is ${where} the normalised pixels themselves.`;
}

function training({ metrics, settings }: StartReport): Markup {
  const target = maeConfigOfRun(settings)!.normPixLoss ? "pixels normalised within each patch" : "pixels";
  return html`<h2>Loss</h2>
<figure style="margin:0">${lossCurve(metrics.map(({ step, loss }) => ({ step: step + 1, loss })))}
<figcaption>Mean squared error of the removed patches' ${target}; thin: each step, bold: moving average.
First step ${metrics[0]!.loss.toFixed(4)}, last step ${metrics.at(-1)!.loss.toFixed(4)}.</figcaption></figure>`;
}

function strip({ settings, data }: StartReport, pictures: readonly PictureRow[]): Markup {
  const image = (png: Uint8Array, alt: string): Markup =>
    html`<img width="${data.size}" height="${data.size}" alt="${alt}" src="data:image/png;base64,${Buffer.from(png).toString("base64")}">`;
  const { maskRatio, normPixLoss } = maeConfigOfRun(settings)!;
  const borrowed = normPixLoss
    ? " Patches are predicted without their own mean and contrast, which the picture lends here."
    : "";
  return html`<h2>Reconstructions</h2>
<p class="muted">Pictures the model never saw. From top to bottom: the picture, the ${rounded(1 - maskRatio)} of it
the encoder gets, and what the model makes of that.${borrowed}</p>
<div class="strip">
${pictures.map(
  ({ label, original, masked, reconstructed }) => html`<figure>
${image(original, `${label}, original`)}${image(masked, `${label}, masked`)}${image(reconstructed, `${label}, reconstructed`)}
<figcaption>${label}</figcaption></figure>
`,
)}</div>`;
}

function settings({ settings: s, model, data, probes }: StartReport): Markup {
  const mae = maeConfigOfRun(s)!;
  const { encoder } = mae;
  const { cropScale } = s.config as MaeSettings;
  const decay = s.weightDecay.kind === "constant" ? s.weightDecay.value : "that changes";
  const seen = s.totalSteps * s.batchSize;
  return html`<h2>Settings</h2>
${facts([
  [
    "encoder",
    `${s.model}: width ${encoder.embedDim}, ${counted(encoder.depth, "block")}, ${counted(encoder.numHeads, "head")}`,
  ],
  [
    "decoder",
    `width ${mae.decoderEmbedDim}, ${counted(mae.decoderDepth, "block")}, ${counted(mae.decoderNumHeads, "head")}`,
  ],
  ["parameters", grouped(model.parameters)],
  ["patches removed", `${rounded(mae.maskRatio)} of ${(encoder.imageSize / encoder.patchSize) ** 2}`],
  ["target", mae.normPixLoss ? "pixels normalised by patch" : "plain pixels"],
  [
    "pictures",
    `${data.name}: ${grouped(data.train)} to train, ${grouped(data.test)} to test, ${data.size} × ${data.size}`,
  ],
  ["crops", `${rounded(cropScale[0])} to ${rounded(cropScale[1])} of the area, flipped half of the time`],
  [
    "steps",
    `${grouped(s.totalSteps)} of ${s.batchSize} pictures, ${(seen / data.train).toFixed(1)} passes; ${s.lr.warmupSteps} steps of warm-up`,
  ],
  [
    "learning rate",
    `at most ${Number(s.lr.base.toPrecision(3))} for batches of ${s.batchSize}; half-cosine to ${s.lr.min}`,
  ],
  [
    "optimiser",
    `AdamW, β ${s.betas.join(" / ")}, weight decay ${decay}${s.clip === null ? "" : `, clipped at ${s.clip.limit}`}`,
  ],
  ["seed", s.seed],
  [
    "linear probe",
    `LARS, rate ${Number(probes.linear.rate.toPrecision(3))}, batches of ${probes.linear.batchSize}, ${grouped(probes.linear.updates)} updates`,
  ],
])}`;
}

function environment(report: StartReport): Markup {
  const { adapter, machine } = report;
  return html`<h2>Adapter</h2>
${facts([
  ["adapter", html`${adapter.description}${softwareLabel(report)}`],
  ["vendor, architecture", `${adapter.vendor}, ${adapter.architecture}`],
  ["API", `WebGPU on ${adapter.backend} (Dawn)`],
  ["subgroups", adapter.subgroupSize > 0 ? `of ${adapter.subgroupSize} lanes` : "not used"],
  ["machine", machine],
])}
${
  adapter.software
    ? html`<p class="muted">A software adapter computes on the processor: the results are right, the times say nothing about a GPU.</p>`
    : ""
}`;
}

function timing({ timing: { stages, totalSeconds, imagesPerSecond }, model }: StartReport): Markup {
  const row = (name: string, seconds: number): Markup =>
    html`<tr><th scope="row">${name}</th><td class="number">${seconds.toFixed(1)} s</td></tr>\n`;
  return html`<h2>Time</h2>
<table class="facts">
${stages.map(({ name, seconds }) => row(name, seconds))}${row("all", totalSeconds)}</table>
<p class="muted">${imagesPerSecond.toFixed(0)} pictures per second in training; one step is ${model.dispatches} dispatches in
${(model.stepBytes / 2 ** 20).toFixed(1)} MiB of working memory.</p>`;
}

function reproduce({ command }: StartReport): Markup {
  return html`<h2>How to get this again</h2>
<p>In a checkout of the repository:</p>
<pre>${command}</pre>
<p class="muted">On the same adapter the command gives the same numbers to the bit; another adapter rounds a little differently. The
same numbers and the settings in full are in report.json, each step's in metrics.jsonl, the weights in checkpoint.safetensors.</p>`;
}
