import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withTimestamps } from "../../src/cli/profile.ts";
import { exitCodeOf, sentenceOf } from "../../src/cli/system/errors.ts";
import type { KernelRow } from "../../src/profile/byKernel.ts";
import type { ChromeTrace } from "../../src/profile/trace.ts";
import { withDevice } from "../withDevice.ts";
import { withProgram } from "./program.ts";

const program = withProgram();
const on = withDevice();

test("a step of MAE is profiled on noise, with a trace", async () => {
  const path = join(program.folder, "trace.json");
  const args = ["profile", "mae", "--model", "vit_micro_patch8_32", "--batch", "2", "--trace", path];
  const { code, stdout, stderr } = await program.run(...args, "--steps", "2", "--json");
  expect(code, stderr).toBe(0);
  const lines = stdout.trim().split("\n");
  const found = JSON.parse(lines.at(-1)!);
  const kernels = found.kernels as KernelRow[];
  expect(found).toMatchObject({ command: "profile mae", model: "vit_micro_patch8_32", batch: 2, steps: 2 });
  expect(kernels.reduce((all, { count }) => all + count, 0)).toBe(found.dispatches);
  expect(kernels.reduce((all, { ms }) => all + ms, 0)).toBeCloseTo(found.ms, 6);
  expect(kernels.reduce((all, { share }) => all + share, 0)).toBeCloseTo(1, 6);
  expect([...kernels].sort((a, b) => b.ms - a.ms)).toEqual(kernels);
  const names = kernels.map(({ kernel }) => kernel);
  expect(names).toContain("attention_backward");
  expect(names).toContain("adamw");
  expect(kernels.find(({ kernel }) => kernel.startsWith("matmul"))!.gigaflopsPerSecond).toBeGreaterThan(0);
  expect(found.roofline.gigaflopsPerSecond).toBeGreaterThan(0);
  for (const { kernel } of kernels) expect(lines.some((line) => line.startsWith(kernel))).toBe(true);

  const { traceEvents } = JSON.parse(readFileSync(path, "utf8")) as ChromeTrace;
  expect(traceEvents.filter(({ ph }) => ph === "X")).toHaveLength(found.dispatches);
  expect(traceEvents[0]!.args).toEqual({ name: found.adapter });
}, 120_000);

test("given pictures may be profiled, at another size, with a line for each shape", async () => {
  const model = ["--model", "vit_micro_patch8_32", "--image-size", "16", "--batch", "2", "--steps", "1"];
  const found = await program.json(
    "profile",
    "mae",
    ...model,
    "--data",
    "creatures",
    "--limit",
    "8",
    "--shapes",
  );
  const names = (found.kernels as KernelRow[]).map(({ kernel }) => kernel);
  expect(names.filter((name) => /^matmul_\w+ 1x\d+x\d+x\d+$/.test(name)).length).toBeGreaterThan(5);
  expect(names).toContain("attention_forward 2x3x2x2x32"); // of 4 patches 1 is kept, and the class token
}, 120_000);

test("an adapter without timestamps is a sentence and exit code 2", () => {
  let error: unknown;
  try {
    withTimestamps(on.device);
  } catch (thrown) {
    error = thrown;
  }
  expect(exitCodeOf(error)).toBe(2);
  expect(sentenceOf(error)).toMatch(
    /^profile: the adapter must have timestamp queries; .* has none\. Update/,
  );
});
