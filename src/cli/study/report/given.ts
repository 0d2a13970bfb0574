/** Encoders that were trained before: by what, and whether they score here what they scored there. */
import { deviationOf } from "../../../study/recorded.ts";
import { duration } from "../../system/progress.ts";
import type { CellReport } from "./data.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { grouped, nameOf, percent } from "./words.ts";

/** A row for each, and how far its scores are from the recorded ones; nothing where all encoders were trained here. */
export function givenSection(cells: readonly CellReport[]): Markup {
  const given = cells.flatMap((cell) => (cell.given ? [{ ...cell.given, encoder: cell.encoder }] : []));
  const [first] = given;
  if (!first) return html``;
  const head = ["seed", "trained on", "pictures", "time", "adapter", "SHA-256"];
  return html`<h3>Encoders trained before</h3>
<p>${deviationSentence(cells)}${cells.some(({ firstRecorded }) => firstRecorded) ? " What they knew before their first step was recorded there, too, and is not read again." : ""}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Encoders trained before"><table class="scores paper">
<thead><tr><td></td>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${given.map(
    ({ encoder, seed, data, pictures, seconds, adapter, sha256 }) =>
      html`<tr><th scope="row">${nameOf(encoder)}</th><td>${seed}</td><td>${data}</td><td class="number">${grouped(pictures)}</td><td>${duration(seconds)}</td><td>${adapter}</td><td><code>${sha256.slice(0, 12)}</code></td></tr>
`,
  )}</tbody></table></div>
<pre>${[...new Set(given.map(({ command }) => command))].join("\n")}</pre>`;
}

/** What the recorded scores say, in a sentence. */
export function deviationSentence(cells: readonly CellReport[]): string {
  const found = deviationOf(cells);
  if (!found) return "No score of these encoders was recorded under this plan: every number is of today.";
  const { adapter, scores, largest, of } = found;
  const points = largest < 0.0005 ? "below 0.1" : percent(largest);
  const far = largest === 0 ? "none differs" : `the largest deviation is ${points} points (${of})`;
  return `Every score was computed here; of ${scores} that were recorded on ${adapter}, ${far}.`;
}
