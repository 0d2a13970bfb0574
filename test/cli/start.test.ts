import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "../../src/cli/errors.ts";
import type { StartReport } from "../../src/cli/report/data.ts";
import { readCheckpoint } from "../../src/cli/runFolder.ts";
import { type StartFlags, start } from "../../src/cli/start.ts";

const folder = mkdtempSync(join(tmpdir(), "partwise-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const flags: StartFlags = {
  out: join(folder, "deep", "run"),
  pictures: 96,
  train: 40,
  test: 40,
  parts: 10,
  probeEpochs: 2,
  seed: 3,
  tune: false,
};
const read = (name: string): string => readFileSync(join(flags.out, name), "utf8");
const reportOf = (): StartReport => JSON.parse(read("report.json"));

describe("the main job", () => {
  beforeAll(() => start(flags));

  test("leaves its files and nothing temporary", () => {
    expect(readdirSync(flags.out).sort()).toEqual(["mae", "report.html", "report.json", "supervised"]);
    for (const method of ["mae", "supervised"]) {
      expect(readdirSync(join(flags.out, method)).sort()).toEqual([
        "checkpoint.json",
        "checkpoint.safetensors",
      ]);
    }
  });

  test("trains each method on as many pictures as asked for", () => {
    const { trainings } = reportOf();
    expect(trainings.map(({ method }) => method).sort()).toEqual(["mae", "supervised"]);
    for (const { settings, rows, pictures } of trainings) {
      expect(settings).toMatchObject({ seed: 3, batchSize: 32, totalSteps: 3 });
      expect(settings.data).toEqual({
        name: "creatures-coat-train",
        count: 40,
        width: 32,
        height: 32,
        classes: 20,
      });
      expect(pictures).toBe(96);
      expect(rows.map(({ step }) => step)).toEqual([0, 1, 2]);
    }
  });

  test("measures every encoder and the pixels at species and at parts, on every item", () => {
    const { scores, pictures } = reportOf();
    const measured = new Set(scores.map(({ encoder, reading }) => `${encoder} ${reading}`));
    expect([...measured]).toEqual([
      "pixels pixels",
      "untrained cls",
      "untrained mean",
      "supervised cls",
      "supervised mean",
      "mae cls",
      "mae mean",
    ]);
    expect(scores).toHaveLength(7 * 2 * 3);
    for (const { encoder, target, probe, score, gain } of scores) {
      if (probe !== "retrieval") expect((score.mean * pictures.targets[target].test) % 1).toBeCloseTo(0, 9);
      expect(score.low).toBeLessThanOrEqual(score.mean);
      expect(score.high).toBeGreaterThanOrEqual(score.mean);
      expect(gain !== undefined).toBe(encoder === "mae" || encoder === "supervised");
    }
  });

  test("compares the methods as their scores say", () => {
    const { crossings, scores } = reportOf();
    expect(crossings.map(({ probe }) => probe)).toEqual(["linear", "k-NN"]);
    for (const { methods, reading, probe, differences } of crossings) {
      for (const target of ["objects", "parts"] as const) {
        const [first, second] = methods.map(
          (method) =>
            scores.find(
              (s) =>
                s.encoder === method && s.target === target && s.reading === reading && s.probe === probe,
            )!.score.mean,
        );
        expect(differences[target].mean).toBeCloseTo(first! - second!, 9);
      }
    }
  });

  test("shows the same numbers on the page, and pictures, crops and reconstructions", () => {
    const page = read("report.html");
    const { scores, command, pictures } = reportOf();
    const shown = scores.filter(({ probe }) => probe !== "retrieval");
    for (const { score } of shown) expect(page).toContain((100 * score.mean).toFixed(1));
    expect(page).toContain(command);
    const images = page.match(/<img /g)!.length;
    expect(images).toBeGreaterThan(4 + 3 * 8);
    expect(images).toBeLessThanOrEqual(4 * (1 + pictures.targets.parts.classes.length) + 3 * 8);
  });

  test("saves the encoders it reports on", async () => {
    for (const { method, settings } of reportOf().trainings) {
      const { info, entries, close } = await readCheckpoint(join(flags.out, method));
      expect(info.step).toBe(3);
      expect(info.settings).toEqual(settings);
      expect(entries.get("blocks.3.mlp.fc2.weight")?.shape).toEqual([96, 384]);
      await close();
    }
  });

  test("times every stage", () => {
    const { stages, totalSeconds } = reportOf().timing;
    expect(stages).toHaveLength(7);
    const sum = stages.reduce((total, { seconds }) => total + seconds, 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThanOrEqual(totalSeconds + 1e-6);
  });
});

test("a start that fails is the input's fault, and leaves the report of an earlier one as it was", async () => {
  const out = join(folder, "earlier");
  mkdirSync(out);
  writeFileSync(join(out, "report.json"), "earlier");
  const failure = start({ ...flags, out, test: 0 });
  await expect(failure).rejects.toThrow("must hold a picture");
  await expect(failure).rejects.toBeInstanceOf(UsageError);
  expect(readFileSync(join(out, "report.json"), "utf8")).toBe("earlier");
});

test.each([".", "mae"])("a folder with somebody's pretraining in %s is refused", async (inner) => {
  const out = join(folder, "pretrained", inner === "." ? "whole" : "inner");
  mkdirSync(join(out, inner), { recursive: true });
  writeFileSync(join(out, inner, "checkpoint.safetensors"), "precious");
  await expect(start({ ...flags, out })).rejects.toThrow(
    "holds a run of `partwise pretrain`: name another --out",
  );
  expect(readFileSync(join(out, inner, "checkpoint.safetensors"), "utf8")).toBe("precious");
});
