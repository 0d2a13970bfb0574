/** How well each part is known, by every probe. */
import type { PartTable } from "../../../study/partTable.ts";
import { isPixelScore } from "../../../study/probes.ts";
import type { SetTable } from "../../../study/setTable.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { grouped, nameOf, percent } from "./words.ts";

/** Parts that a table shows: a set may have hundreds. */
const MOST = 24;

/** Nothing where no parts were asked about. */
export const partsSection = ({ set, parts }: SetTable): Markup =>
  parts.length === 0
    ? html``
    : html`<h3>Part by part</h3>
<p class="muted">The share of each part's crops that are answered rightly, of retrieval their average precision, of segmentation the part's IoU, in %: the mean over
seeds, by the encoder's own reading. The stronger its colour, the better it is within the table.</p>
${parts.map(
  (table, i) => html`<details${i === 0 ? html` open` : ""}><summary>${table.probe}</summary>
${partTable(set, table)}</details>
`,
)}`;

function partTable(set: string, { probe, parts, rows }: PartTable): Markup {
  const shown = parts.slice(0, MOST);
  const all = rows.flatMap(({ shares }) => shares.flatMap((share) => share ?? []));
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const shade = (share: number) => Math.round((40 * (share - low)) / (high - low || 1));
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Parts of ${set} by ${probe}"><table class="scores paper heat">
<thead><tr><td></td>${shown.map(({ name, items }) => html`<th scope="col" class="number">${name}<small>${grouped(items)} ${isPixelScore(probe) ? "pixels" : "crops"}</small></th>`)}</tr></thead>
<tbody>${rows.map(
    ({ encoder, shares }) => html`<tr><th scope="row">${nameOf(encoder)}</th>
${shares
  .slice(0, MOST)
  .map((share) =>
    share === null
      ? html`<td class="number missing">–</td>`
      : html`<td class="number" style="--shade: ${shade(share)}%">${percent(share)}</td>`,
  )}</tr>
`,
  )}</tbody></table></div>
${parts.length > MOST ? html`<p class="muted">The ${MOST} most frequent of ${parts.length} parts.</p>` : ""}`;
}
