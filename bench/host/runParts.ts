// Runs parts one after another within a time budget. What becomes of one does not touch the others.
import { answerOf, type Ended } from "../measure/child.ts";
import type { Part } from "./parts.ts";

/** How a part ended. */
export interface PartResult {
  name: string;
  status: "ok" | "failed" | "late" | "not run";
  seconds: number;
  /** The JSON of the part's last line. */
  figures?: unknown;
  /** Why there are no figures. */
  error?: string;
}

export interface Budget {
  totalMs: number;
  /** No part starts with less than this left. */
  leastMs: number;
  now?: () => number;
}

/**
 * Runs the parts in order; each may take what is left of the budget, at most a quarter of the whole. `run` starts one
 * and gives how it ended; `after` is told every result.
 */
export async function runParts(
  parts: readonly Part[],
  { totalMs, leastMs, now = () => performance.now() }: Budget,
  run: (part: Part, limitMs: number) => Promise<Ended>,
  after: (result: PartResult, all: readonly PartResult[]) => void,
): Promise<PartResult[]> {
  const results: PartResult[] = [];
  const end = now() + totalMs;
  for (const part of parts) {
    const start = now();
    const limitMs = Math.min(end - start, totalMs / 4);
    const outcome: Omit<PartResult, "name" | "seconds"> =
      limitMs < leastMs
        ? { status: "not run", error: "no time was left" }
        : await outcomeOf(part, () => run(part, limitMs));
    results.push({ name: part.name, seconds: (now() - start) / 1000, ...outcome });
    after(results.at(-1)!, results);
  }
  return results;
}

async function outcomeOf(
  { bench }: Part,
  run: () => Promise<Ended>,
): Promise<Pick<PartResult, "status" | "figures" | "error">> {
  let late = false;
  try {
    const ended = await run();
    late = ended.late;
    return { status: "ok", figures: answerOf<unknown>(bench, ended) };
  } catch (error) {
    return { status: late ? "late" : "failed", error: (error as Error).message };
  }
}
