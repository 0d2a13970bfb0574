/** What each encoder has cost: pictures, time, arithmetic, and how many settings were tried for it. */
import { meanOf } from "../../../eval/metrics.ts";
import { METHODS, type MethodName } from "../../../models/methods.ts";
import type { Cell, StudyPlan } from "../../../study/plan.ts";
import { duration } from "../../system/progress.ts";
import type { CellReport } from "./data.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { grouped, nameOf, rounded } from "./words.ts";

/** What a run has cost; floating point operations of a step where they are known. */
interface Cost {
  pictures: number;
  seconds: number;
  step?: { flops: number; batchSize: number };
}

/** The runs of a method on a set, those of given encoders among them. */
const runsOf = (cells: readonly CellReport[], encoder: Cell["encoder"]): Cost[] =>
  cells.flatMap(({ encoder: of, training, given }): Cost[] => {
    if (of !== encoder) return [];
    if (!training) return given ? [given] : [];
    const { pictures, seconds, flops, settings } = training;
    return [{ pictures, seconds, step: { flops, batchSize: settings.batchSize } }];
  });

/** GFLOP of one picture; null of a run whose file does not say. */
const gigaflops = ({ step }: Cost): number | null =>
  step && Number.isFinite(step.flops) ? step.flops / step.batchSize / 1e9 : null;

/** In a few words, below the name of an encoder; nothing of one that was not trained. */
export function budgetWords(cells: readonly CellReport[], encoder: Cell["encoder"]): string {
  const runs = runsOf(cells, encoder);
  if (runs.length === 0) return "";
  const seconds = duration(meanOf(runs.map((run) => run.seconds)));
  return `${short(runs[0]!.pictures)} pictures, ${seconds}`;
}

const short = (count: number): string =>
  count >= 1e6 ? `${rounded(count / 1e6)} M` : count >= 1e4 ? `${rounded(count / 1e3)} k` : grouped(count);

/** A row for every method that was trained on a set; nothing where none was. */
export function budgetSection(cells: readonly CellReport[], { methods }: StudyPlan): Markup {
  const trained = (Object.keys(METHODS) as MethodName[]).filter((name) => runsOf(cells, name).length > 0);
  if (trained.length === 0) return html``;
  const head = ["seeds", "pictures", "time", "pictures/s", "GFLOP each", "TFLOP", "tried"];
  return html`<h3>Budget</h3>
<div class="scroll" tabindex="0" role="region" aria-label="Budget"><table class="scores paper">
<thead><tr><td></td>${head.map((name) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody>${trained.map((name) => {
    const runs = runsOf(cells, name);
    const [{ pictures }] = runs as [Cost, ...Cost[]];
    const seconds = meanOf(runs.map((run) => run.seconds));
    const each = gigaflops(runs[0]!);
    const values = [
      runs.length,
      grouped(pictures),
      duration(seconds),
      seconds > 0 ? grouped(Math.round(pictures / seconds)) : "–",
      each === null ? "–" : rounded(each),
      each === null ? "–" : rounded((each * pictures) / 1e3),
      runs.some(({ step }) => step) ? (methods[name]?.tuned ?? "not stated") : "–",
    ];
    return html`<tr><th scope="row">${nameOf(name)}</th>${values.map((value) => html`<td class="number">${value}</td>`)}</tr>\n`;
  })}</tbody></table></div>
<p class="muted">Of one seed, time the mean over seeds; training alone, without pictures and probes. GFLOP each: of a picture, products of matrices, attention and the optimiser. Tried: how many settings, as the
study's file states it of what it trains; –: trained before.</p>`;
}
