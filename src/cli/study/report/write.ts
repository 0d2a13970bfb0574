/** What the finished cells of a study say, written beside them: a page, every number, the tables. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { withoutPictures } from "../../../study/outcomes.ts";
import { type Cell, cellName, cellsOf, type StudyPlan } from "../../../study/plan.ts";
import { setTables } from "../../../study/setTable.ts";
import { asUsage } from "../../system/errors.ts";
import { kindOf, readBytes, writeAtomic } from "../../system/files.ts";
import { type FinishedCell, resultOf } from "../cell.ts";
import { tableCsv, verdictCsv } from "../table.ts";
import type { CellReport, Sheet, StudyReport } from "./data.ts";
import { studyPage } from "./page.ts";

/** Writes report.html, report.json, table.csv and verdicts.csv of the cells that are finished; gives their tables. */
export async function writeReport(
  out: string,
  plan: StudyPlan,
  command: string,
): Promise<Pick<StudyReport, "tables" | "results" | "missing">> {
  const results: FinishedCell[] = [];
  const missing: string[] = [];
  for (const cell of cellsOf(plan)) {
    const found = await resultOf(out, plan, cell);
    if (found) results.push(found);
    else missing.push(cellName(cell));
  }
  const about = { plan, command, written: new Date().toISOString(), missing };
  const report = await asUsage(() => studyReport(results, about));
  const { tables } = report;
  const written = {
    "report.json": `${JSON.stringify(report, null, 1)}\n`,
    "table.csv": tableCsv(tables),
    "verdicts.csv": verdictCsv(tables),
    "report.html": studyPage(report, await sheetsOf(out, results)),
  };
  for (const [name, text] of Object.entries(written)) await writeAtomic(join(out, name), text);
  return { tables, results: report.results, missing };
}

/** What some cells of a study say together. */
export const studyReport = (
  cells: readonly FinishedCell[],
  about: Omit<StudyReport, "format" | "tables" | "results">,
): StudyReport => ({
  format: "partwise.study.2",
  ...about,
  tables: setTables(cells),
  results: cells.map(scoresOnly),
});

/** A cell as JSON has it: the scores of its pictures have files of their own. */
export const scoresOnly = ({ readouts, first, ...rest }: FinishedCell): CellReport => ({
  ...rest,
  readouts: readouts.map(withoutPictures),
  ...(first && { first: first.map(withoutPictures) }),
});

/** The pictures that lie in the folders of cells, of each encoder those of its first seed. */
async function sheetsOf(out: string, cells: readonly Cell[]): Promise<Sheet[]> {
  const sheets: Sheet[] = [];
  for (const cell of cells) {
    const isFirst =
      cells.find(({ data, encoder }) => data === cell.data && encoder === cell.encoder) === cell;
    const folder = join(out, cellName(cell));
    if (!isFirst || (await kindOf(folder)) !== "folder") continue;
    for (const file of await sheetsIn(folder)) {
      const name = file.slice(0, -".png".length);
      sheets.push({ name, cell: cellName(cell), file: await readBytes(join(folder, file)) });
    }
  }
  return sheets;
}

/** The names of the sheets in a cell's folder. */
export const sheetsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith(".png")).sort();
