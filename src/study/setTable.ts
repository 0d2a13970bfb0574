/** The results of one set as numbers: a row for every reading of every encoder, a column for every readout. */
import { type Crossing, crossingsOf } from "./crossing.ts";
import { intervalOf } from "./estimate.ts";
import { type PartTable, partTables } from "./partTable.ts";
import { type Cell, isMethod, isValidation, ownReading } from "./plan.ts";
import { type ProbeName, SCORES } from "./probes.ts";
import { type Question, type ScoredCell, SetResults } from "./setResults.ts";
import { TARGETS, type TargetName } from "./targets.ts";
import { type Verdict, verdictsOf } from "./verdict.ts";

export interface Column {
  target: TargetName;
  probe: ProbeName;
  /** What guessing gives. */
  floor: number;
}

/** The mean over seeds; with its 95 % interval, over pictures and seeds, where there are several. */
export interface Entry {
  mean: number;
  low: number | null;
  high: number | null;
  seeds: number;
  /** Of a method by its own reading: whether it is above its first values; null where those were not measured. */
  learned?: boolean | null;
}

export interface Row {
  encoder: Cell["encoder"];
  reading: string;
  /** By column; null where it was not measured. */
  entries: (Entry | null)[];
}

export interface SetTable {
  set: string;
  columns: Column[];
  rows: Row[];
  verdicts: Verdict[];
  /** What single runs differ by. */
  crossings: Crossing[];
  /** The scores of each part, by the probes that know parts. */
  parts: PartTable[];
}

/** A table for every set of a study; seeds that only choose are in none. */
export const setTables = (results: readonly ScoredCell[]): SetTable[] =>
  [...new Set(results.map(({ data }) => data))].map((set) =>
    tableOf(
      set,
      results.filter(({ data }) => data === set),
    ),
  );

function tableOf(set: string, cells: readonly ScoredCell[]): SetTable {
  const results = new SetResults(cells);
  const shown = cells.filter(({ seed }) => !isValidation(seed));
  const readouts = shown.flatMap((cell) => cell.readouts);
  const columns = TARGETS.flatMap((target) =>
    SCORES.flatMap((probe): Column[] => {
      const found = readouts.find((readout) => readout.target === target && readout.probe === probe);
      return found ? [{ target, probe, floor: found.floor }] : [];
    }),
  );
  const entryOf = (encoder: Cell["encoder"], reading: string, { target, probe }: Column): Entry | null => {
    const sample = results.sample(encoder, { target, probe, reading });
    const found = sample && results.estimate(target, sample);
    if (!found) return null;
    const { mean, low, high } = intervalOf(found);
    const ends = found.seeds > 1 ? { low, high } : { low: null, high: null };
    return { mean, ...ends, seeds: found.seeds, ...learned(encoder, reading, { target, probe }) };
  };
  const learned = (encoder: Cell["encoder"], reading: string, question: Omit<Question, "reading">) =>
    isMethod(encoder) && ownReading(encoder, question.probe) === reading
      ? { learned: results.beatsUntrained(encoder, question) }
      : {};
  const ofParts = columns.flatMap(({ target, probe }) => (target === "parts" ? [probe] : []));
  const rows = [...new Set(shown.map(({ encoder }) => encoder))].flatMap((encoder) => {
    const own = shown.filter((cell) => cell.encoder === encoder).flatMap((cell) => cell.readouts);
    return [...new Set(own.map(({ reading }) => reading))].map((reading) => ({
      encoder,
      reading,
      entries: columns.map((column) => entryOf(encoder, reading, column)),
    }));
  });
  return {
    ...{ set, columns, rows, verdicts: verdictsOf(results), crossings: crossingsOf(results) },
    parts: partTables(shown, ofParts),
  };
}
