/** The folder of a finished cell, read again: its result, and the scores of each picture. */
import { join } from "node:path";
import * as v from "valibot";
import { type CellResult, cellChange } from "../../study/cell.ts";
import { type Score, withOutcomes } from "../../study/outcomes.ts";
import { asksFirst, type Cell, cellName, type StudyPlan } from "../../study/plan.ts";
import type { AdapterReport } from "../system/adapterReport.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { kindOf, readBytes } from "../system/files.ts";
import type { Versions } from "../system/versions.ts";

export const RESULT = "result.json";
export const OUTCOMES = "outcomes.safetensors";
/** Of the encoder before its first step. */
export const FIRST_OUTCOMES = "first.safetensors";

/** A finished cell with what computed it, as far as its file says. */
export interface FinishedCell extends CellResult {
  adapter?: AdapterReport;
  versions?: Versions;
  /** Of all of it, pictures and probes included. */
  seconds?: number;
  /** ISO 8601, UTC. */
  finished?: string;
}

const scores = v.array(
  v.looseObject({
    target: v.string(),
    reading: v.string(),
    probe: v.string(),
    score: v.number(),
    floor: v.number(),
  }),
);

/** What the result of a finished cell must have; the rest of it is only passed on. */
const stored = v.looseObject({
  plan: v.looseObject({}),
  training: v.optional(
    v.looseObject({ settings: v.looseObject({ data: v.looseObject({ count: v.number() }) }) }),
  ),
  readouts: scores,
  first: v.optional(scores),
});
type Stored = Omit<FinishedCell, "readouts" | "first"> & { readouts: Score[]; first?: Score[] };
const storedFrom = (bytes: Uint8Array): Stored =>
  v.parse(stored, JSON.parse(new TextDecoder().decode(bytes))) as unknown as Stored;

/** The result of a cell that is finished, or null. One of other settings than the study's is a `UsageError`. */
export async function resultOf(out: string, plan: StudyPlan, cell: Cell): Promise<FinishedCell | null> {
  const folder = join(out, cellName(cell));
  const [result, outcomes, before] = [RESULT, OUTCOMES, FIRST_OUTCOMES].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  if ((await kindOf(result)) === null || (await kindOf(outcomes)) === null) return null;
  const found = await readWhole(result, storedFrom);
  const change = await asUsage(() => cellChange(found, plan, cell) ?? firstMissing(found, plan, cell));
  if (change === null) {
    const { readouts, first, ...rest } = found;
    return {
      ...rest,
      readouts: await readWhole(outcomes, (bytes) => withOutcomes(readouts, bytes)),
      ...(first && { first: await readWhole(before, (bytes) => withOutcomes(first, bytes)) }),
    };
  }
  throw new UsageError(
    `${folder}: must have been computed by what the study asks now; ${change}. ` +
      "Delete the folder to compute it again, or name another --out",
  );
}

/** A run that was computed without may be asked now what it was at first. */
const firstMissing = ({ first }: Pick<Stored, "first">, plan: StudyPlan, cell: Cell): string | null =>
  asksFirst(plan, cell) && !first
    ? "it was not measured before its first step, which the study asks (of single runs `first: false` does not)"
    : null;

/** What a file of a finished cell holds; one that cannot be read is a `UsageError`. */
async function readWhole<T>(file: string, parse: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await readBytes(file);
  try {
    return parse(bytes);
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(`${file}: is damaged: ${message}. Remove its folder to compute it again`, {
      cause: error,
    });
  }
}
