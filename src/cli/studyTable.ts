/** The results of a study as a Markdown table: an encoder a row, a readout a column, means over seeds in per cent. */
import { meanAndStd } from "../eval/metrics.ts";
import type { CellResult } from "../study/cell.ts";
import { PROBES, type Readout } from "../study/readouts.ts";
import { TARGETS } from "../study/targets.ts";

const columnOf = ({ target, probe }: Readout): string => `${target} ${probe}`;
const COLUMNS = TARGETS.flatMap((target) => PROBES.map((probe) => `${target} ${probe}`));

/** One table for every set. */
export function resultTable(results: readonly CellResult[]): string {
  const sets = [...new Set(results.map(({ data }) => data))];
  return sets
    .map((set) =>
      tableOf(
        set,
        results.filter(({ data }) => data === set),
      ),
    )
    .join("\n\n");
}

function tableOf(set: string, results: readonly CellResult[]): string {
  const rows = new Map<string, Map<string, number[]>>();
  const floors = new Map<string, number>();
  for (const { encoder, readouts } of results) {
    for (const readout of readouts) {
      const name = readout.reading === "pixels" ? "pixels" : `${encoder}, ${readout.reading}`;
      const row = rows.get(name) ?? new Map<string, number[]>();
      rows.set(name, row);
      row.set(columnOf(readout), [...(row.get(columnOf(readout)) ?? []), readout.score]);
      floors.set(columnOf(readout), readout.floor);
    }
  }
  const columns = COLUMNS.filter((column) => floors.has(column));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line([`${set}, in %`, ...columns]),
    line(["---", ...columns.map(() => "---:")]),
    line(["guessing", ...columns.map((column) => percent(floors.get(column)!))]),
    ...[...rows].map(([name, row]) =>
      line([name, ...columns.map((column) => spread(row.get(column) ?? []))]),
    ),
  ].join("\n");
}

const percent = (share: number): string => (100 * share).toFixed(1);

/** Mean and, of several seeds, their standard deviation. */
function spread(scores: readonly number[]): string {
  if (scores.length === 0) return "–";
  const { mean, std } = meanAndStd(scores);
  return std === null ? percent(mean) : `${percent(mean)} ± ${percent(std)}`;
}
