/** Cells of tables as a report shows them: a score with its interval, or that there is none. */
import type { Entry } from "../../../study/setTable.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { percent } from "./words.ts";

/** What stands where nothing was measured. */
export const MISSING = html`<td class="number missing"><span title="not measured">–</span></td>`;

/** A score in per cent, below it its interval over pictures and seeds; †: not above what it is held against. */
export function entryCell(entry: Entry | null, isBest: boolean): Markup {
  if (!entry || !Number.isFinite(entry.mean)) return MISSING;
  const { mean, low, high, learned } = entry;
  const figure = isBest ? html`<b>${percent(mean)}</b>` : percent(mean);
  const range = low === null || high === null ? "one seed" : `${percent(low)}–${percent(high)}`;
  return html`<td class="number">${learned === false ? "†" : ""}${figure}<small>${range}</small></td>`;
}

/** The highest mean of a column's entries; null where there is none. */
export const bestOf = (entries: readonly (Entry | null)[]): number | null =>
  entries.reduce<number | null>(
    (best, entry) => (entry ? Math.max(best ?? entry.mean, entry.mean) : best),
    null,
  );
