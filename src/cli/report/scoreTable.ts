/** The scores as a table, the same on the terminal and on the page. */
import type { Interval } from "../../eval/metrics.ts";
import type { ProbeName } from "../../study/probes.ts";
import { TARGETS, type TargetName } from "../../study/targets.ts";
import { table } from "../table.ts";
import type { Encoder, Score, StartReport } from "./data.ts";
import { nameOf, PROBE_WORDS, percent, TARGET_WORDS } from "./words.ts";

/** The probes that the table shows. */
export const SHOWN_PROBES = ["k-NN", "linear"] as const satisfies readonly ProbeName[];

/** The table's rows by one reading: guessing, then every encoder, a score for each target and probe. */
export interface TableRow {
  encoder: Encoder | "guessing";
  /** In the order of `tableColumns`; guessing has no interval. */
  cells: readonly (Score | number)[];
}

/** What each column asks. */
export const tableColumns: readonly { target: TargetName; probe: ProbeName }[] = TARGETS.flatMap((target) =>
  SHOWN_PROBES.map((probe) => ({ target, probe })),
);

/** The rows by one reading. Pixels have one of their own, which stands in every table. */
export function tableRows(scores: readonly Score[], reading: string): TableRow[] {
  const encoders = [...new Set(scores.map(({ encoder }) => encoder))];
  const rows = encoders.map((encoder): { encoder: Encoder; cells: Score[] } => ({
    encoder,
    cells: tableColumns.map(
      ({ target, probe }) =>
        scores.find(
          (s) =>
            s.encoder === encoder &&
            s.target === target &&
            s.probe === probe &&
            (s.reading === reading || encoder === "pixels"),
        )!,
    ),
  }));
  return [{ encoder: "guessing", cells: rows[0]!.cells.map(({ floor }) => floor) }, ...rows];
}

/** The encoder with the highest score of a column. */
export const bestOf = (rows: readonly TableRow[], column: number): TableRow["encoder"] =>
  rows.reduce((best, row) => (meanOf(row.cells[column]!) > meanOf(best.cells[column]!) ? row : best)).encoder;

const meanOf = (cell: Score | number): number => (typeof cell === "number" ? cell : cell.score.mean);

/** Half of an interval's width in per cent, for where there is no room for its ends. */
const half = ({ low, high }: Interval): string => percent((high - low) / 2);

/** The table as text: a score and half of its 95 % interval. */
export function terminalTable({ scores, reading }: Pick<StartReport, "scores" | "reading">): string {
  const header = tableColumns.map(({ target, probe }) => `${TARGET_WORDS[target]} ${probe}`);
  const rows = tableRows(scores, reading).map(({ encoder, cells }) => [
    encoder === "guessing" ? encoder : nameOf(encoder),
    ...cells.map((cell) =>
      typeof cell === "number" ? percent(cell) : `${percent(cell.score.mean)} ± ${half(cell.score)}`,
    ),
  ]);
  return table(["top-1 in %", ...header], rows);
}

/** Where the pictures themselves are ahead of every encoder; nothing where they are not. */
export function pixelsSentence({ scores, reading }: Pick<StartReport, "scores" | "reading">): string {
  const rows = tableRows(scores, reading);
  const where = tableColumns
    .filter((_, column) => bestOf(rows, column) === "pixels")
    .map(({ target, probe }) => `at ${TARGET_WORDS[target]} by ${PROBE_WORDS[probe]}`);
  if (where.length === 0) return "";
  return `Raw pixels are ahead of every encoder ${where.join(" and ")}.`;
}
