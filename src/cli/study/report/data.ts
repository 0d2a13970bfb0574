import type { Score } from "../../../study/outcomes.ts";
import type { StudyPlan } from "../../../study/plan.ts";
import type { SetTable } from "../../../study/setTable.ts";
import type { FinishedCell } from "../cell.ts";

/** A finished cell without the scores of its pictures. */
export interface CellReport extends Omit<FinishedCell, "readouts" | "first"> {
  readouts: readonly Score[];
  first?: readonly Score[];
}

/** Everything that a study found out; `report.json` is this, and `report.html` shows nothing else but pictures. */
export interface StudyReport {
  format: "partwise.study.2";
  /** When this was written: ISO 8601, UTC. */
  written: string;
  /** The command line that continues the study, or computes it again elsewhere. */
  command: string;
  plan: StudyPlan;
  /** One for each set. */
  tables: readonly SetTable[];
  results: readonly CellReport[];
  /** Names of the cells that are not finished. */
  missing: readonly string[];
}

/** A picture that lies in the folder of a cell: reconstructions, results of a search, maps of attention. PNG. */
export interface Sheet {
  /** The file's name without its ending: `reconstructions`. */
  name: string;
  /** The cell's folder: `coat/mae-0`. */
  cell: string;
  file: Uint8Array;
}
