import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StartReport } from "../../src/cli/report/data.ts";
import { readCheckpoint } from "../../src/cli/runFolder.ts";
import { type StartFlags, start } from "../../src/cli/start.ts";

const folder = mkdtempSync(join(tmpdir(), "partwise-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const STEPS = 5;
const flags: StartFlags = {
  out: join(folder, "deep", "run"),
  steps: STEPS,
  batch: 16,
  seed: 3,
  train: 80,
  test: 40,
  probeEpochs: 2,
  tune: false,
};
const read = (name: string): string => readFileSync(join(flags.out, name), "utf8");
const reportOf = (): StartReport => JSON.parse(read("report.json"));

describe("the main job", () => {
  beforeAll(() => start(flags));

  test("leaves its files and nothing temporary", () => {
    expect(readdirSync(flags.out).sort()).toEqual([
      "checkpoint.json",
      "checkpoint.safetensors",
      "metrics.jsonl",
      "report.html",
      "report.json",
    ]);
  });

  test("reports every step, with a loss that falls", () => {
    const { metrics, settings } = reportOf();
    expect(metrics.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
    expect(metrics.at(-1)!.loss).toBeLessThan(metrics[0]!.loss);
    expect(settings).toMatchObject({ seed: 3, batchSize: 16, totalSteps: STEPS });
    const lines = read("metrics.jsonl").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(metrics);
  });

  test("measures both encoders and the pixels on every test picture", () => {
    const { results, gains, chance } = reportOf();
    expect(results.map(({ contender, probe }) => `${contender} ${probe}`)).toEqual([
      "pretrained knn",
      "pretrained linear",
      "untrained knn",
      "untrained linear",
      "pixels knn",
    ]);
    for (const { top1 } of results) expect((top1 * flags.test) % 1).toBeCloseTo(0, 9);
    expect(chance).toBe(0.1);
    for (const [i, { probe, difference }] of gains.entries()) {
      expect(probe).toBe(results[i]!.probe);
      expect(difference.mean).toBeCloseTo(results[i]!.top1 - results[i + 2]!.top1, 9);
      expect(difference.low).toBeLessThanOrEqual(difference.high);
    }
  });

  test("shows the same numbers on the page, and the pictures of the strip", () => {
    const page = read("report.html");
    for (const { top1 } of reportOf().results) expect(page).toContain(`<b>${(100 * top1).toFixed(1)} %</b>`);
    expect(page).toContain(reportOf().command);
    expect(page.match(/<img /g)).toHaveLength(24);
  });

  test("saves the encoder it reports on", async () => {
    const { info, entries, close } = await readCheckpoint(flags.out);
    expect(info.step).toBe(STEPS);
    expect(info.settings).toEqual(reportOf().settings);
    expect(entries.get("blocks.3.mlp.fc2.weight")?.shape).toEqual([96, 384]);
    await close();
  });

  test("times every stage", () => {
    const { stages, totalSeconds } = reportOf().timing;
    expect(stages).toHaveLength(7);
    const sum = stages.reduce((total, { seconds }) => total + seconds, 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThanOrEqual(totalSeconds + 1e-6);
  });
});

test("a start that fails leaves the report of an earlier one as it was", async () => {
  const out = join(folder, "earlier");
  mkdirSync(out);
  writeFileSync(join(out, "report.json"), "earlier");
  await expect(start({ ...flags, out, batch: 1000 })).rejects.toThrow(
    "an epoch must hold at least one batch",
  );
  expect(readFileSync(join(out, "report.json"), "utf8")).toBe("earlier");
  expect(readdirSync(out)).toEqual(["report.json"]);
});

test("a folder with somebody's pretraining is refused", async () => {
  const out = join(folder, "pretrained");
  mkdirSync(out);
  writeFileSync(join(out, "checkpoint.safetensors"), "precious");
  await expect(start({ ...flags, out })).rejects.toThrow(
    "holds a run of `partwise pretrain`: name another --out",
  );
  expect(readFileSync(join(out, "checkpoint.safetensors"), "utf8")).toBe("precious");
});
