import { TARGETS } from "../../study/targets.ts";
import type { Score, StartReport } from "./data.ts";
import { certainSign } from "./findings.ts";
import { html, type Markup } from "./markup.ts";
import { type ScatterPoint, scatter } from "./scatter.ts";
import { bestOf, pixelsSentence, SHOWN_PROBES, tableColumns, tableRows } from "./scoreTable.ts";
import { grouped, nameOf, percent, readingName, seriesOf, TARGET_WORDS } from "./words.ts";

/** The table, the drawing, and the table by every other reading. */
export function resultsSection(report: StartReport): Markup {
  const { scores, reading, pictures, plan } = report;
  const { objects, parts } = pictures.targets;
  const others = [...new Set(scores.map((score) => score.reading))].filter(
    (name) => name !== reading && name !== "pixels",
  );
  const pixels = pixelsSentence(report);
  return html`<h2>Results</h2>
${scoreTable(report, reading)}
<p class="muted">Top-1 in %, below it the 95 % interval: test pictures drawn again 1,000 times, crops with their picture. It does not cover the
choice of the seed. Bold: the highest of its column. †: not certainly above the untrained encoder. k-NN: ${plan.neighbours} nearest by cosine;
linear: a linear classifier, ${plan.linearEpochs} epochs; both on frozen features of ${grouped(objects.probe)} pictures and of
${grouped(parts.probe)} crops, tested on ${grouped(objects.test)} and ${grouped(parts.test)}. Guessing: always the most frequent class.
${pixels}</p>
<h3>Species against parts</h3>
<figure>${drawing(scores, reading)}
<figcaption>Linear probe on the ${readingName(reading)}; bars: 95 % intervals; dashed: guessing. Up and to the left is who knows parts, down and to the
right who knows species.</figcaption></figure>
${others.map((name) => html`<h3>By the ${readingName(name)} instead</h3>\n${scoreTable(report, name)}`)}`;
}

function scoreTable({ scores }: StartReport, reading: string): Markup {
  const rows = tableRows(scores, reading);
  const best = tableColumns.map((_, column) => bestOf(rows, column));
  return html`<table class="scores">
<caption>Read: the ${readingName(reading)}; of raw pixels all</caption>
<thead><tr><td rowspan="2"></td>${TARGETS.map((target) => html`<th scope="colgroup" colspan="${SHOWN_PROBES.length}">${TARGET_WORDS[target]}</th>`)}</tr>
<tr>${tableColumns.map(({ probe }) => html`<th scope="col" class="number">${probe}</th>`)}</tr></thead>
<tbody>
${rows.map(
  ({ encoder, cells }) => html`<tr><th scope="row">${encoder === "guessing" ? encoder : nameOf(encoder)}</th>
${cells.map((cell, column) => scoreCell(cell, best[column] === encoder))}</tr>
`,
)}</tbody></table>`;
}

function scoreCell(cell: Score | number, isBest: boolean): Markup {
  if (typeof cell === "number") return html`<td class="number">${percent(cell)}</td>`;
  const { mean, low, high } = cell.score;
  const mark = cell.gain && certainSign(cell.gain) <= 0 ? "†" : "";
  const figure = isBest ? html`<b>${percent(mean)}</b>` : percent(mean);
  return html`<td class="number">${mark}${figure}<small>${percent(low)}–${percent(high)}</small></td>`;
}

/** Every encoder by the linear probe. */
function drawing(scores: readonly Score[], reading: string): Markup {
  const columns = TARGETS.map((target) =>
    tableColumns.findIndex((column) => column.target === target && column.probe === "linear"),
  );
  const points: ScatterPoint[] = [];
  let floors: number[] = [];
  for (const { encoder, cells } of tableRows(scores, reading)) {
    const found = columns.map((column) => cells[column]!);
    if (encoder === "guessing") floors = found as number[];
    else {
      const [x, y] = (found as Score[]).map(({ score }) => score);
      points.push({ name: nameOf(encoder), series: seriesOf(encoder), x: x!, y: y! });
    }
  }
  const axis = (i: number) => ({ label: `${TARGET_WORDS[TARGETS[i]!]}, linear, %`, floor: floors[i]! });
  return scatter(points, { x: axis(0), y: axis(1) });
}
