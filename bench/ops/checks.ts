// Are the operations right on this adapter? Every case against float64, whatever becomes of the others.
import { scientific } from "../measure/table.ts";
import type { OpCase } from "./opCase.ts";
import type { OpCheck } from "./opFigures.ts";

/** Largest relative L2 error of a right result: f32 sums of a few thousand terms. */
export const TOLERANCE = 2e-5;

export const isRight = (error: number): boolean => error <= TOLERANCE;

/** Checks cases one after another. A case that throws counts as wrong. */
export async function checkOps(size: string, cases: readonly OpCase[]): Promise<OpCheck[]> {
  const checks: OpCheck[] = [];
  for (const { name, shape, check } of cases) {
    try {
      checks.push({ size, name, shape, error: await check() });
    } catch (error) {
      checks.push({ size, name, shape, error: Number.NaN, failure: (error as Error).message });
    }
  }
  return checks;
}

/** One sentence about the wrong results among the checks; null if all are right. */
export function faults(checks: readonly OpCheck[]): string | null {
  const wrong = checks.filter(({ error }) => !isRight(error));
  if (wrong.length === 0) return null;
  const list = wrong.map(
    ({ size, name, shape, error, failure }) => `${size} ${name} ${shape}: ${failure ?? scientific(error)}`,
  );
  return `${wrong.length} of ${checks.length} operations must be within ${TOLERANCE} of float64; got ${list.join("; ")}`;
}
