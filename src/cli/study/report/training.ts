/** How each method's training went on one set: its loss, and whether it came to answer every picture alike. */
import { METHODS, type MethodName } from "../../../models/methods.ts";
import type { CellReport } from "./data.ts";
import { curves } from "./drawing/curves.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { nameOf, seriesOf } from "./words.ts";

/** Signs of collapse and other metrics, in words. */
const METRICS: Record<string, string> = {
  gradNorm: "norm of the gradient",
  featureStd: "spread of features: 1 when they point everywhere, 0 when all are one",
  effectiveRank: "directions in which features vary",
  teacherEntropy: "entropy of the teacher's answers, nats: 0 when each is sure",
  marginalEntropy: "entropy of the teacher's mean answer, nats: 0 when all choose one prototype",
  kl: "from the student's answers to the teacher's, nats",
  centerNorm: "length of the center",
  classLoss: "loss of the class token",
  patchLoss: "loss of the hidden patches",
  alignment: "distance from the regressor's patches to the encoder's",
  accuracy: "share of hidden patches whose token is found",
};

type Rows = readonly Record<string, number>[];

/** Nothing where none was trained. */
export function trainingSection(cells: readonly CellReport[]): Markup {
  const runsOf = (method: MethodName): Rows[] =>
    cells.flatMap(({ encoder, training }) => (encoder === method && training ? [training.rows] : []));
  const methods = (Object.keys(METHODS) as MethodName[]).filter((method) => runsOf(method).length > 0);
  if (methods.length === 0) return html``;
  return html`<h3>Loss and signs of collapse</h3>
<div class="pair">
${methods.map((method) => methodFigure(method, runsOf(method)))}</div>
<p class="muted">Thin: each seed; bold: their mean, averaged over a few steps. Losses of different methods are of different kinds and cannot be compared.</p>`;
}

function methodFigure(method: MethodName, runs: readonly Rows[]): Markup {
  const names = [...new Set(runs.flat().flatMap((row) => Object.keys(row)))].filter(
    (name) => name !== "step" && name !== "loss",
  );
  const chart = (name: string, what: string): Markup =>
    curves(
      runs.map((rows) => rows.map((row) => ({ step: row.step! + 1, value: row[name] ?? Number.NaN }))),
      what,
    );
  return html`<figure class="${seriesOf(method)}"><h4>${nameOf(method)}</h4>${chart("loss", "Loss")}
<details><summary>${names.length} more: ${names.join(", ")}</summary>
<div class="small">${names.map((name) => html`<figure>${chart(name, name)}<figcaption><b>${name}</b>: ${METRICS[name] ?? "a metric of the method"}</figcaption></figure>`)}</div></details></figure>
`;
}
