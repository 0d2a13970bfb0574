import { moduleOf } from "../../train/run.ts";
import { curves } from "./curves.ts";
import type { ReportPictures, StartReport } from "./data.ts";
import { documentOf, png } from "./document.ts";
import { html, type Markup } from "./markup.ts";
import { resultsSection } from "./results.ts";
import { environmentSection, reproduceSection, settingsSection, timeSection } from "./settings.ts";
import { crossingSentence, grouped, nameOf, seriesOf } from "./words.ts";

/** The report as one self-contained HTML page. */
export const startPage = (report: StartReport, pictures: ReportPictures): string =>
  documentOf(
    "Partwise: objects and parts",
    html`${header(report)}
${resultsSection(report)}
${cutSection(report, pictures)}
${trainingSection(report)}
${completedSection(report, pictures)}
${settingsSection(report)}
${environmentSection(report)}
${timeSection(report)}
${reproduceSection(report)}`,
  );

function header(report: StartReport): Markup {
  const { trainings, crossings, pictures, plan, adapter, timing, finished } = report;
  const names = trainings.map(({ method }) => nameOf(method));
  const [first, ...others] = crossings.map(crossingSentence);
  return html`<h1>What ${names.join(" and ")} know about objects and about parts</h1>
<p class="verdict">${first ?? ""}</p>
${others.map((sentence) => html`<p>${sentence}</p>\n`)}<p class="muted">The crossing: who learned from labels is ahead at whole objects, who learned from the pictures alone at parts.
${plan.model} on ${grouped(pictures.train)} drawn pictures (${pictures.set}), asked afterwards for the
species of ${grouped(pictures.targets.objects.test)} others and for the part that each of ${grouped(pictures.targets.parts.test)} crops shows.
${adapter.description}${adapter.software ? html` <span class="label">software adapter</span>` : ""}
· ${timing.totalSeconds.toFixed(0)} s · ${finished.slice(0, 16).replace("T", " ")} UTC</p>`;
}

function cutSection({ pictures: { size, targets } }: StartReport, { cut }: ReportPictures): Markup {
  const square = { width: size, height: size };
  const cell = (file: Uint8Array, caption: string): Markup =>
    html`<figure>${png(file, caption, square)}<figcaption>${caption}</figcaption></figure>`;
  return html`<h2>Pictures and their parts</h2>
<p class="muted">Test pictures as an encoder gets them, ${size} pixels wide, and the parts cut out of the same drawing at four times
the size: the species of the left column is one question, the part in each of the others the second
(${targets.parts.classes.join(", ")}). A part without room around it is not cut out.</p>
<div class="cuts">
${cut.map(({ label, picture, crops }) => html`<div>${cell(picture, label)}${crops.map((crop) => cell(crop.picture, crop.part))}</div>\n`)}</div>`;
}

function trainingSection({ trainings }: StartReport): Markup {
  return html`<h2>Loss</h2>
<div class="pair">
${trainings.map(({ method, rows }) => {
  const points = rows.map((row) => ({ step: row.step! + 1, value: row.loss! }));
  return html`<figure class="${seriesOf(method)}">${curves([points], "Loss")}
<figcaption>${nameOf(method)}. ${moduleOf(method).about} First step ${points[0]!.value.toFixed(3)}, last step
${points.at(-1)!.value.toFixed(3)}.</figcaption></figure>
`;
})}</div>
<p class="muted">Thin: about a hundred of the steps; bold: their moving average. The losses are of different kinds and cannot be compared.</p>`;
}

function completedSection({ pictures: { size } }: StartReport, { completed }: ReportPictures): Markup {
  if (completed.length === 0) return html``;
  const square = { width: size, height: size };
  return html`<h2>Reconstructions</h2>
<p class="muted">Test pictures. From top to bottom: the picture, what the masked autoencoder gets of it, and what it makes of that. Where
patches are predicted without their own mean and contrast, the picture lends both.</p>
<div class="strip">
${completed.map(
  ({ label, original, masked, reconstructed }) => html`<figure>
${png(original, `${label}, original`, square)}${png(masked, `${label}, masked`, square)}${png(reconstructed, `${label}, reconstructed`, square)}
<figcaption>${label}</figcaption></figure>
`,
)}</div>`;
}
