import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withProgram } from "./program.ts";

const program = withProgram();
const model = "--model vit_micro_patch8_16 --batch 1".split(" ");
const run = (...more: string[]): string[] => [
  ..."pretrain mae --data creatures --limit 8 --data-size 16 --steps 2 --out".split(" "),
  join(program.folder, "run"),
  ...model,
  ...more,
];

test("a run in f16 says so, logs its loss scale, and cannot be resumed in f32", async () => {
  const { code, stdout, stderr } = await program.run(...run("--precision", "f16"));
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^products in f16: (operands are rounded to f16|by subgroup matrices)/m);
  const { settings } = JSON.parse(readFileSync(join(program.folder, "run/checkpoint.json"), "utf8"));
  expect(settings.precision).toBe("f16");
  const lines = readFileSync(join(program.folder, "run/metrics.jsonl"), "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).lossScale)).toEqual([65_536, 65_536]);

  const other = await program.run(...run("--precision", "f32", "--resume"));
  expect(other.code).toBe(2);
  expect(other.stderr).toContain("--precision must be as in the run that is resumed, f16; got f32");
});

test("plan counts what f16 adds; another precision is refused", async () => {
  const [f32, f16] = [
    await program.json("plan", "mae", ...model),
    await program.json("plan", "mae", ...model, "--precision", "f16"),
  ];
  expect([f32.precision, f16.precision]).toEqual(["f32", "f16"]);
  expect(f16.other).toBeGreaterThan(f32.other as number);
  const { code, stderr } = await program.run("plan", "mae", ...model, "--precision", "f8");
  expect([code, stderr]).toEqual([2, expect.stringContaining("Allowed choices are f32, f16")]);
});
