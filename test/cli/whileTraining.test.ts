import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withProgram } from "./program.ts";

const program = withProgram();
const at = (...parts: string[]): string => join(program.folder, ...parts);

const rowsOf = (out: string): Record<string, unknown>[] =>
  readFileSync(at(out, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a run that collapses says so in one line on stderr, goes on, and keeps its signs", async () => {
  const uncentered = `pretrain dino --data creatures-coat --limit 8 --model vit_micro_patch16_32 --batch 4 --steps 60
    --warmup 10 --lr 1e-3 --local-crops 0 --prototypes 16 --hidden-dim 16 --bottleneck-dim 8 --momentum 0.8
    --center-momentum 1 --out ${at("collapsed")}`;
  const { code, stderr } = await program.run(...uncentered.split(/\s+/));
  expect(code).toBe(0);
  const warnings = stderr.split("\n").filter((line) => line.startsWith("warning: "));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^warning: step \d\d: collapse, .* with one prototype .* temperature\.$/);
  const rows = rowsOf("collapsed");
  expect(rows).toHaveLength(60);
  for (const name of ["teacherEntropy", "kl", "featureStd", "effectiveRank", "centerNorm"]) {
    expect(rows.map((row) => typeof row[name])).toEqual(rows.map(() => "number"));
  }
});
