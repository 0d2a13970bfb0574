/** How well each part is known: scores by class of the crops, beside the score of all of them. */
import { type Cell, ownReading } from "./plan.ts";
import type { ProbeName } from "./probes.ts";
import type { ScoredCell } from "./setResults.ts";

export interface PartTable {
  probe: ProbeName;
  /** The parts of the test split and how many crops show each, most first. */
  parts: readonly { name: string; items: number }[];
  /** Of every encoder, by its own reading: the mean over seeds by part; null where it was not measured. */
  rows: readonly { encoder: Cell["encoder"]; shares: readonly (number | null)[] }[];
}

/** A table for every probe of parts whose cells say how they scored by part. */
export const partTables = (cells: readonly ScoredCell[], probes: readonly ProbeName[]): PartTable[] =>
  probes.flatMap((probe) => {
    const found = cells.flatMap((cell) =>
      cell.readouts.flatMap(({ classes, ...readout }) =>
        classes && readout.probe === probe && readout.reading === ownReading(cell.encoder, probe)
          ? [{ encoder: cell.encoder, classes }]
          : [],
      ),
    );
    const [first] = found;
    if (!first) return [];
    const parts = Object.entries(first.classes)
      .map(([name, { items }]) => ({ name, items }))
      .sort((a, b) => b.items - a.items);
    const rows = [...new Set(found.map(({ encoder }) => encoder))].map((encoder) => {
      const own = found.filter((cell) => cell.encoder === encoder);
      return { encoder, shares: parts.map(({ name }) => meanShare(own.map(({ classes }) => classes[name]))) };
    });
    return [{ probe, parts, rows }];
  });

/** The mean over runs; null where a run has no such part. */
function meanShare(runs: readonly ({ items: number; sum: number } | undefined)[]): number | null {
  let total = 0;
  for (const run of runs) {
    if (!run) return null;
    total += run.sum / run.items;
  }
  return total / runs.length;
}
