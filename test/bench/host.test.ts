import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { chosen, HOST_STEPS, METHOD_STEPS, type Part, partsOf, stepsOf } from "../../bench/host/parts.ts";
import { type PartResult, runParts } from "../../bench/host/runParts.ts";
import { partTable, stepTable } from "../../bench/host/summary.ts";
import { fullStepName } from "../../bench/trainingSteps.ts";
import { root } from "../repo/files.ts";

const plan = {
  ...stepsOf([...HOST_STEPS.gpu, ...METHOD_STEPS].map((step) => fullStepName(step, 64))),
  batch: 64,
  rounds: ["--repeats", "2"],
  python: "python3",
  folder: "/tmp/x",
};

test("a step's name gets the batch where it has none", () => {
  expect(fullStepName("mae:vit_tiny_patch16_224", 64)).toBe("mae:vit_tiny_patch16_224:64");
  expect(fullStepName("mae:vit_tiny_patch16_224:8", 64)).toBe("mae:vit_tiny_patch16_224:8");
  expect(fullStepName("moco-v3:vit_tiny_patch16_224", 64)).toBe("moco-v3:vit_tiny_patch16_224:64");
  expect(fullStepName("reference:batch=2", 64)).toBe("reference:batch=2");
  for (const text of ["dance:vit_tiny_patch16_224:8", "mae:vit_tiny_patch16_224:0", "mae::"]) {
    expect(() => fullStepName(text, 64)).toThrow(`got "${text}"`);
  }
  expect(() => fullStepName("reference:huge", 64)).toThrow('got "huge"');
});

test("the parts are bench programs, correctness first, and each step is measured in both", () => {
  const parts = partsOf(plan);
  const names = parts.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { bench, args } of parts) {
    expect(existsSync(`${root}bench/${bench}.bench.ts`), bench).toBe(true);
    expect(args.at(-1)).toBe("--json");
  }
  const checks = names.filter((name) => name.startsWith("check"));
  expect(names.slice(0, checks.length)).toEqual(checks);
  for (const step of plan.steps) {
    expect(names).toContain(`step ${step}`);
    expect(names).toContain(`torch eager ${step}`);
    expect(names).toContain(`torch compiled ${step}`);
  }
  expect([plan.steps.length, plan.more.length]).toEqual([HOST_STEPS.gpu.length, 7]);
  for (const step of plan.more) expect(names.filter((name) => name.includes(step))).toEqual([`step ${step}`]);
  expect(HOST_STEPS.software.map((step) => fullStepName(step, 2))).toEqual(HOST_STEPS.software);
  expect(chosen(parts, ["check", "peers tiny"]).map(({ name }) => name)).toEqual([...checks, "peers tiny"]);
  expect(chosen(parts, [])).toEqual(parts);
});

test("a part that fails or is late leaves the others alone, and none starts without time", async () => {
  const parts: Part[] = ["good", "bad", "late", "missing", "last", "unlucky"].map((name) => ({
    name,
    bench: "step",
    args: [],
  }));
  const limits: number[] = [];
  const seen: string[] = [];
  let clock = 0;
  const run = async ({ name }: Part, limitMs: number) => {
    limits.push(limitMs);
    clock += name === "late" ? limitMs : name === "last" ? 240 : 100;
    if (name === "missing") throw new Error("spawn ENOENT");
    const status = name === "bad" ? 1 : name === "late" ? null : 0;
    return { status, late: name === "late", stdout: '{"x": 1}', stderr: "step: Error: no memory" };
  };
  const budget = { totalMs: 1000, leastMs: 300, now: () => clock };
  const results = await runParts(parts, { ...budget, leastMs: 220 }, run, ({ name }) => seen.push(name));
  expect(results.map(({ status }) => status)).toEqual(["ok", "failed", "late", "failed", "ok", "not run"]);
  expect(results[0]).toEqual({ name: "good", status: "ok", seconds: 0.1, figures: { x: 1 } });
  expect(results[1]!.error).toContain("no memory");
  expect(results[3]!.error).toBe("spawn ENOENT");
  expect(limits).toEqual([250, 250, 250, 250, 250]);
  expect(seen).toEqual(parts.map(({ name }) => name));
});

test("the tables set PyTorch and the peers beside our step", () => {
  const ms = { median: 10, min: 9, q1: 9, q3: 11, samples: 3 };
  const alone = {
    dispatches: 156,
    perStep: { submits: 1 },
    encodeMs: 0.5,
    peakBytes: 2e9,
    firstCallMs: 1500,
  };
  const result = (name: string, figures: object): PartResult => ({ name, status: "ok", seconds: 3, figures });
  const skipped = "PyTorch 1.13 has no torch.compile";
  const results: PartResult[] = [
    result("check ops ti", { checks: [{ error: 1e-7 }, { error: 3e-7 }] }),
    result("step reference:base", { "reference:base": { ms, imagesPerSecond: 1600, alone } }),
    result("torch eager reference:base", { "reference:base": { eager: { ms: { ...ms, median: 5 } } } }),
    result("torch compiled reference:base", { "reference:base": { compiled: { skipped } } }),
    result("peers base", { base: { ratio: { "jax-js": 3, tfjs: 5.5 } } }),
    { name: "peers tiny", status: "failed", seconds: 1, error: "peers: device lost" },
  ];
  const [header, row] = stepTable(results).split("\n");
  expect(row!.trim().split(/ {2,}/)).toEqual([
    "reference:base",
    "10",
    "1600",
    "156",
    "1",
    "0.5",
    "2000.0 MB",
    "1.50",
    "5 (x0.50)",
    "x3.00",
    "x5.50",
  ]);
  expect(header).toContain("compiled bf16 ms");
  expect(stepTable(results.slice(2, 3)).split("\n")[1]!.trim()).toMatch(/^reference:base +5$/);
  expect(stepTable([])).toBe("");
  const lines = partTable(results).split("\n");
  expect(lines[1]).toContain("2 operations, largest error 3.0e-7");
  expect(lines[4]).toContain(skipped);
  expect(lines[6]).toMatch(/^peers tiny +failed +1 {2}peers: device lost$/);
});
