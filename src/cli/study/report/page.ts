import { cellsOf, isValidation } from "../../../study/plan.ts";
import type { SetTable } from "../../../study/setTable.ts";
import { budgetSection, budgetWords } from "./budget.ts";
import { environmentSection, settingsSection } from "./circumstances.ts";
import { claimsSection } from "./claims.ts";
import type { Sheet, StudyReport } from "./data.ts";
import { badge } from "./decision.ts";
import { documentOf } from "./drawing/document.ts";
import { html, type Markup } from "./drawing/markup.ts";
import { drawingsSection } from "./drawings.ts";
import { givenSection } from "./given.ts";
import { everyReading, paperTables } from "./paperTables.ts";
import { partsSection } from "./parts.ts";
import { sheetsSection } from "./sheets.ts";
import { trainingSection } from "./training.ts";
import { gateWords } from "./words.ts";

/** The report of a study as one self-contained HTML page. */
export const studyPage = (report: StudyReport, sheets: readonly Sheet[]): string =>
  documentOf(
    `Partwise: ${report.plan.name}`,
    html`${header(report)}
${report.tables.map((table) => setSection(report, table, sheets))}
${settingsSection(report)}
${environmentSection(report)}
${reproduceSection(report)}`,
  );

const idOf = (set: string): string => `set-${set}`;

/** The verdicts of all sets side by side, and where to find the rest. */
function header({ plan, tables, results, missing, written }: StudyReport): Markup {
  const [first] = tables;
  return html`<h1>What encoders know about objects and about parts: ${plan.name}</h1>
<p class="muted">${plan.model}, ${results.length} of ${results.length + missing.length} cells finished · ${written.slice(0, 16).replace("T", " ")} UTC</p>
<nav>${tables.map(({ set }) => html`<a href="#${idOf(set)}">${set}</a> `)}<a href="#settings">settings</a> <a href="#computed">what computed</a></nav>
${missing.length > 0 ? html`<p><span class="label">unfinished</span> ${missing.length} of ${cellsOf(plan).length} cells are missing: what follows is of those there are.</p>` : ""}
${first ? summary(first, tables) : html`<p>No cell is finished yet.</p>`}`;
}

function summary({ verdicts }: SetTable, tables: readonly SetTable[]): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Verdicts"><table class="verdicts">
<thead><tr><th scope="col">The paper's claims</th>${tables.map(({ set }) => html`<th scope="col">${set}</th>`)}</tr></thead>
<tbody>${verdicts.map(
    ({ claim, says, by }, i) => html`<tr><th scope="row">${claim}. ${says}<small>${by}</small></th>
${tables.map((table) => {
  const own = table.verdicts[i]!;
  return html`<td>${badge(own.decision)}${own.by === by ? "" : html`<small>${own.by}</small>`}</td>`;
})}</tr>
`,
  )}</tbody></table></div>`;
}

function setSection(report: StudyReport, table: SetTable, sheets: readonly Sheet[]): Markup {
  const cells = report.results.filter(({ data, seed }) => data === table.set && !isValidation(seed));
  const { source } = report.plan.data[table.set]!;
  const gate = gateWords(cells);
  return html`<h2 id="${idOf(table.set)}">${table.set}<small>${source}</small></h2>
${drawingsSection(table)}
<h3>Claims</h3>
${claimsSection(table, gate)}
<h3>Scores</h3>
${paperTables(table, (encoder) => budgetWords(cells, encoder), gate)}
${everyReading(table)}
${partsSection(table)}
${budgetSection(cells, report.plan)}
${givenSection(cells)}
${trainingSection(cells)}
${sheetsSection(
  sheets.filter(({ cell }) => cell.startsWith(`${table.set}/`)),
  cells,
)}`;
}

/** The command, and where the numbers are. */
const reproduceSection = ({ command }: StudyReport): Markup => html`<h2>How to get this again</h2>
<pre>${command}</pre>
<p class="muted">Finished cells are not computed again, missing ones are. On the same adapter a cell has the same numbers to the bit; another adapter rounds a little
differently. report.json has every number of this page, table.csv and verdicts.csv the tables, the folder of a trained cell its encoder.</p>`;
