import { expect } from "vitest";
import type { Program } from "./program.ts";

/** Holds a run of a method other than MAE to be one whose encoder can be measured, and that MAE does not go on with. */
export async function expectOnlyMeasured(
  program: Program,
  run: string,
  { method, step }: { method: string; step: number },
): Promise<void> {
  const knn = "eval knn --data creatures-coat-parts --limit 10 --k 5 --checkpoint".split(" ");
  const measured = await program.json(...knn, run);
  expect(measured).toMatchObject({ method, step, classes: 5, data: "creatures-coat-train-parts" });
  const resumed = await program.run(..."pretrain mae --data creatures-coat --resume --out".split(" "), run);
  expect(resumed.stderr).toContain(`must be one of mae; it is one of ${method}`);
  expect(resumed.code).toBe(2);
}
