/** Objects against parts on one set, a drawing for each probe that was asked of both. */
import { ownReading } from "../../../study/plan.ts";
import type { ProbeName } from "../../../study/probes.ts";
import type { Column, Entry, SetTable } from "../../../study/setTable.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { type ScatterPoint, scatter } from "./drawing/scatter.ts";
import { nameOf, seriesOf } from "./words.ts";

/** Nothing where no probe was asked of both. */
export function drawingsSection(table: SetTable): Markup {
  const probes = [...new Set(table.columns.map(({ probe }) => probe))];
  const drawings = probes.flatMap((probe) => {
    const [x, y] = (["objects", "parts"] as const).map((target) =>
      table.columns.findIndex((column) => column.target === target && column.probe === probe),
    ) as [number, number];
    const shown = x < 0 || y < 0 ? [] : pointsOf(table, probe, x, y);
    return shown.length > 0 ? [drawing(shown, table.columns[x]!, table.columns[y]!)] : [];
  });
  if (drawings.length === 0) return html``;
  return html`<h3>Objects against parts</h3>
<div class="pair">${drawings}</div>
<p class="muted">Every encoder by its own reading, in %; bars: 95 % intervals over pictures and seeds, none of one seed; dashed: guessing. Up and to the left is who
knows parts, down and to the right who knows objects. Colours: <b class="series-labels">labels</b>, <b class="series-views">views</b>,
<b class="series-masks">masks</b>, <b class="series-floor">untrained and raw pixels</b>.</p>`;
}

function pointsOf({ rows }: SetTable, probe: ProbeName, x: number, y: number): ScatterPoint[] {
  return rows.flatMap(({ encoder, reading, entries }) => {
    const [across, up] = [entries[x], entries[y]];
    if (reading !== ownReading(encoder, probe) || !across || !up) return [];
    return [{ name: nameOf(encoder), series: seriesOf(encoder), x: intervalOf(across), y: intervalOf(up) }];
  });
}

/** One seed has no interval: a point. */
const intervalOf = ({ mean, low, high }: Entry) => ({ mean, low: low ?? mean, high: high ?? mean });

const drawing = (points: readonly ScatterPoint[], x: Column, y: Column): Markup => {
  const axis = ({ target, probe, floor }: Column) => ({ label: `${target}, ${probe}, %`, floor });
  return html`<figure>${scatter(points, { x: axis(x), y: axis(y) })}</figure>
`;
};
