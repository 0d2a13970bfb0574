/** How far the scores of given encoders are from those recorded where they were made. */
import type { CellResult } from "./cell.ts";
import { firstChange } from "./plan.ts";

export interface Deviation {
  /** What computed the recorded scores, in words. */
  adapter: string;
  /** Scores that were compared. */
  scores: number;
  /** The largest difference, as a share, and of what. */
  largest: number;
  of: string;
}

/** Of all cells whose scores were recorded by the same plan; null where there is none. */
export function deviationOf(
  cells: readonly (Pick<CellResult, "encoder" | "plan" | "given"> & {
    readouts: readonly Pick<CellResult["readouts"][0], "target" | "reading" | "probe" | "score">[];
  })[],
): Deviation | null {
  let found: Deviation | null = null;
  for (const { encoder, plan, given, readouts } of cells) {
    const recorded = given?.recorded;
    if (!recorded || firstChange(recorded.plan, plan) !== null) continue;
    found ??= { adapter: recorded.adapter, scores: 0, largest: -1, of: "" };
    for (const { target, reading, probe, score } of readouts) {
      const then = recorded.scores.find(
        (one) => one.target === target && one.reading === reading && one.probe === probe,
      );
      if (!then) continue;
      found.scores++;
      const difference = Math.abs(score - then.score);
      if (difference > found.largest) {
        found.largest = difference;
        found.of = `${encoder}, ${target} ${probe} by ${reading}`;
      }
    }
  }
  return found && found.scores > 0 ? found : null;
}
