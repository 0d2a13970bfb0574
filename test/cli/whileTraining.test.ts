import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { encoderKnn } from "../../src/cli/runs/onlineKnn.ts";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { IMAGENET_STATISTICS } from "../../src/data/images.ts";
import { extractFeatures, vitFeatures } from "../../src/eval/features.ts";
import { knn } from "../../src/eval/probes/knn.ts";
import { tinyTrainer } from "../train/tinyRun.ts";
import { withDevice } from "../withDevice.ts";
import { withProgram } from "./program.ts";
import { expectOnlyMeasured } from "./savedRun.ts";

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
    --jitter-prob 0.8 --grayscale-prob 0.2 --blur-probs 1,0.1,0.5 --center-momentum 1 --out ${at("collapsed")}`;
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

describe("--knn-every", () => {
  const run = (out: string, more: string) =>
    program.run(
      ..."pretrain dino --data creatures-coat --limit 40 --model vit_micro_patch16_32 --batch 4 --local-crops 1 --local-size 16".split(
        " ",
      ),
      ..."--prototypes 16 --hidden-dim 16 --bottleneck-dim 8 --steps 5 --save-every 3 --out".split(" "),
      at(out),
      ...more.split(" ").filter(Boolean),
    );
  const digest = (out: string): string =>
    createHash("sha256")
      .update(readFileSync(at(out, "checkpoint.safetensors")))
      .digest("hex");

  test("tells the k-NN accuracy at every so many steps and the last, and changes no bit of the run", async () => {
    expect(await run("plain", "")).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await run("measured", "--knn-every 2");
    expect(code).toBe(0);
    expect(stderr).not.toContain("warning");
    const lines = stdout.split("\n").filter((line) => line.includes("k-NN"));
    expect(lines.map((line) => line.split(":")[0])).toEqual(["step 2", "step 4", "step 5"]);
    expect(lines[0]).toMatch(
      /: k-NN \d+\.\d %, guessing 5\.0 % \(cls, 40 test pictures, 20 nearest of 40 training pictures\)$/,
    );
    const accuracies = rowsOf("measured").map(({ knn }) => knn);
    expect(accuracies.map((value) => typeof value)).toEqual([
      ...["undefined", "number", "undefined", "number", "number"],
    ]);
    for (const [i, row] of [1, 3, 4].entries()) {
      expect(lines[i]).toContain(`k-NN ${(100 * (accuracies[row] as number)).toFixed(1)} %`);
    }
    expect(digest("measured")).toBe(digest("plain"));
    expect(rowsOf("plain").every(({ loss }) => Number.isFinite(loss))).toBe(true);
    await expectOnlyMeasured(program, at("plain"), { method: "dino", step: 5 });
  });
});

describe("the k-NN of a trainer's encoder", () => {
  const on = withDevice();

  test("gives back all the memory it took, and is what `eval knn` finds", async () => {
    const train = creatures({ kind: "creatures-coat", count: 30, size: 8 });
    const test = creatures({ kind: "creatures-coat", count: 25, size: 8, split: "test" });
    const trainer = await tinyTrainer(on.device);
    await trainer.prepare();
    trainer.run();
    await on.device.allocator.trim();
    const before = on.device.counters.bytesHeld;
    const { accuracy } = await encoderKnn(trainer, { train, test });
    expect(on.device.counters.bytesHeld).toBe(before);
    const encode = vitFeatures(trainer.encoder, trainer.method.encoder.config, "mean");
    const [bank, queries] = await Promise.all(
      [train, test].map((set) =>
        extractFeatures(on.device, encode, set, { statistics: IMAGENET_STATISTICS }),
      ),
    );
    const [score] = (await knn(on.device, bank!, queries!, { k: [20] })).scores;
    expect(accuracy).toBe(score!.top1);
  });
});
