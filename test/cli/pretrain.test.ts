import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/data/safetensors.ts";
import { withProgram } from "./program.ts";

/** Two epochs; enough for a run to be stopped in, however late this process gets its turn. */
const STEPS = 16;
const program = withProgram();
const at = (...parts: string[]): string => join(program.folder, ...parts);

/** The same run every time, into another folder. */
const command = (out: string, ...more: string[]): string[] =>
  `pretrain mae --data creatures --limit 32 --model vit_micro_patch8_32 --steps ${STEPS} --batch 4 --seed 7 --out`
    .split(" ")
    .concat(out, more);

const infoOf = (out: string) => JSON.parse(readFileSync(join(out, "checkpoint.json"), "utf8"));

/** SHA-256 of each tensor's name, shape and bytes: parameters and both moments. */
function digest(out: string): string {
  const hash = createHash("sha256");
  const { tensors } = readSafetensors(readFileSync(join(out, "checkpoint.safetensors")));
  for (const name of [...tensors.keys()].sort()) {
    const { shape, data } = tensors.get(name)!;
    hash.update(`${name} ${shape}`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/** Makes a checkpoint one of another adapter. */
function nameAdapter(out: string, adapter: string): void {
  const file = join(out, "checkpoint.safetensors");
  const { tensors, metadata } = readSafetensors(readFileSync(file));
  const info = { ...JSON.parse(metadata.partwise!), adapter };
  writeFileSync(file, writeSafetensors(tensors, { partwise: JSON.stringify(info) }));
}

/** The log without what a clock decides. */
const metricsOf = (out: string): Record<string, unknown>[] =>
  readFileSync(join(out, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => ({ ...JSON.parse(line), imagesPerSecond: undefined }));

/** Waits until a run has written a file. */
async function written(...path: string[]): Promise<void> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(5)) {
    if (existsSync(join(...path))) return;
  }
  throw new Error(`${join(...path)}: it did not come`);
}

/** Waits until a run has saved a checkpoint. */
const checkpointIn = (out: string): Promise<void> => written(out, "checkpoint.json");

describe("partwise pretrain mae", () => {
  let result: Record<string, unknown>;
  beforeAll(async () => {
    result = await program.json(...command(at("whole")));
  });

  test("says what it did on the last line", () => {
    expect(result).toMatchObject({
      command: "pretrain mae",
      step: STEPS,
      totalSteps: STEPS,
      stopped: false,
      parameters: 537_760,
    });
    expect(result.loss).toBe(metricsOf(at("whole")).at(-1)!.loss);
    expect(result.dispatches).toBeGreaterThan(50);
  });

  test("leaves a checkpoint under timm's names, its description and the log", () => {
    expect(readdirSync(at("whole")).sort()).toEqual([
      "checkpoint.json",
      "checkpoint.safetensors",
      "metrics.jsonl",
    ]);
    const { tensors, metadata } = readSafetensors(readFileSync(at("whole", "checkpoint.safetensors")));
    expect(tensors.get("patch_embed.proj.weight")!.shape).toEqual([96, 3, 8, 8]);
    expect(tensors.get("blocks.3.attn.qkv.weight")!.shape).toEqual([288, 96]);
    expect(tensors.get("decoder_pred.bias")!.shape).toEqual([192]);
    const moments = [...tensors.keys()].filter((name) => name.startsWith("optimizer."));
    expect(new Set(moments.map((name) => name.split(".")[1])).size).toBe(2);
    const info = infoOf(at("whole"));
    expect(JSON.parse(metadata.partwise!)).toEqual(info);
    expect(info).toMatchObject({
      step: STEPS,
      order: { epoch: 2, step: 0 },
      settings: { seed: 7, batchSize: 4 },
    });
    const metrics = metricsOf(at("whole"));
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i));
    expect(metrics.every(({ loss }) => typeof loss === "number" && loss > 0)).toBe(true);
  });

  test("killed midway and resumed, as on another adapter and with --grad-checkpointing, it ends in the same bits", async () => {
    const out = at("killed");
    const { child, ended } = program.start(...command(out, "--save-every", "1"));
    await checkpointIn(out);
    child.kill("SIGKILL");
    expect((await ended).signal).toBe("SIGKILL");
    expect(infoOf(out).step).toBeLessThan(STEPS);

    nameAdapter(out, "Old Card");
    const { code, stdout } = await program.run(
      ...command(out, "--save-every", "3", "--resume", "--grad-checkpointing", "--json"),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/on another adapter than before \(Old Card\)/);
    const resumed = JSON.parse(stdout.trim().split("\n").at(-1)!);
    expect(resumed).toMatchObject({ step: STEPS, stopped: false });
    expect(resumed.stepBytes).toBeLessThan(0.6 * (result.stepBytes as number));
    expect(resumed.dispatches).toBeGreaterThan(result.dispatches as number);
    expect(infoOf(out)).toEqual(infoOf(at("whole")));
    expect(digest(out)).toBe(digest(at("whole")));
    expect(metricsOf(out)).toEqual(metricsOf(at("whole")));
  });

  test("Ctrl-C finishes the step, saves and exits as a shell expects; resuming ends in the same bits", async () => {
    const out = at("interrupted");
    const { child, ended } = program.start(...command(out, "--save-every", "1", "--json"));
    await checkpointIn(out);
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    expect(code).toBe(128 + constants.signals.SIGINT);
    const stopped = JSON.parse(stdout.trim().split("\n").at(-1)!);
    expect(stopped.stopped).toBe(true);
    expect(stopped.step).toBeLessThan(STEPS);
    expect(infoOf(out).step).toBe(stopped.step);
    expect(metricsOf(out)).toHaveLength(stopped.step);

    const resumed = await program.run(
      ..."pretrain mae --data creatures --limit 32 --resume --out".split(" "),
      out,
    );
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toMatch(RegExp(`^going on from step ${stopped.step} of ${STEPS}$`, "m"));
    expect(digest(out)).toBe(digest(at("whole")));
    expect(metricsOf(out)).toEqual(metricsOf(at("whole")));
  });

  test("a run goes on when its reader leaves, and when a second one in its folder is refused", async () => {
    const out = at("shared");
    const { child, ended } = program.start(...command(out, "--save-every", "1"));
    await written(out, "run.lock");
    child.stdout!.destroy();
    child.stderr!.destroy();
    const second = await program.run(...command(out));
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(/run\.lock: must be free; process \d+ has it|holds a checkpoint already/);
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(infoOf(out).step).toBe(STEPS);
    expect(digest(out)).toBe(digest(at("whole")));
    expect(metricsOf(out)).toEqual(metricsOf(at("whole")));
  });

  test("a terminal that is closed saves the run as Ctrl-C does", async () => {
    const out = at("closed");
    const { child, ended } = program.start(...command(out, "--save-every", "1"));
    await checkpointIn(out);
    child.kill("SIGHUP");
    expect((await ended).code).toBe(128 + constants.signals.SIGHUP);
    expect(metricsOf(out)).toHaveLength(infoOf(out).step);
    expect(readdirSync(out)).not.toContain("run.lock");
  });

  test("a full disk behind stdout is told, once the run is saved", async () => {
    const line = command(at("unlogged"), "--steps", "2").join(" ");
    const { code, stderr } = await program.shell(`exec $PARTWISE ${line} > /dev/full`);
    expect(stderr).toMatch(/^partwise: stdout: its disk is full\.$/m);
    expect(code).toBe(1);
    expect(infoOf(at("unlogged")).step).toBe(2);
  });

  test("what would change a run is refused on resuming, and nothing is lost", async () => {
    const before = digest(at("whole"));
    const refusals: [string[], RegExp][] = [
      [[], /holds a checkpoint already: add --resume/],
      [["--resume", "--seed", "8"], /--seed must be as in the run that is resumed, 7; got 8/],
      [["--resume", "--limit", "36"], /32 pictures of 32 x 32 \(creatures-train\); got 36 pictures/],
      [["--resume", "--no-norm-pix"], /--norm-pix must be as in the run that is resumed, on; got off/],
    ];
    for (const [more, sentence] of refusals) {
      const { code, stderr } = await program.run(...command(at("whole"), ...more));
      expect(stderr).toMatch(sentence);
      expect(code).toBe(2);
    }
    expect(digest(at("whole"))).toBe(before);
  });

  test("a loss that is not finite ends the run with the step's number and keeps the checkpoint", async () => {
    const out = at("diverged");
    const wild = ["--save-every", "1", "--base-rate", "1e30", "--warmup", "0"];
    const { code, stderr } = await program.run(...command(out, ...wild));
    expect(stderr).toMatch(/^partwise: step \d+: loss and gradients must be finite; got loss .*warm-up\.$/m);
    expect(code).toBe(1);
    const step = Number(/step (\d+): loss and/.exec(stderr)![1]);
    const saved = infoOf(out).step;
    expect(saved).toBeGreaterThan(0);
    expect(saved).toBeLessThanOrEqual(step);
    expect(metricsOf(out).map((row) => row.step)).toEqual(Array.from({ length: step }, (_, i) => i));
  });
});

describe("partwise eval", () => {
  const inputs = (): string[] =>
    ["--checkpoint", at("whole")].concat("--data creatures --limit 60 --batch 20".split(" "));
  const evaluate = (...args: string[]) => program.json("eval", ...args, ...inputs());

  test("knn compares trained and untrained encoders", async () => {
    const { stdout: said } = await program.run("eval", "knn", "--k", "5,1000", ...inputs(), "--json");
    const trained = JSON.parse(said.trim().split("\n").at(-1)!);
    expect(said).toContain("k-NN, k 1000 (all 60 there are): ");
    expect(trained).toMatchObject({ step: STEPS, train: 60, test: 60, classes: 10, chance: 0.1 });
    expect(trained.scores).toMatchObject([
      { k: 5, neighbours: 5 },
      { k: 1000, neighbours: 60 },
    ]);
    const untrained = await evaluate("knn", "--k", "5", "--untrained", "--pool", "mean");
    expect(untrained).toMatchObject({ step: 0, untrained: true, pool: "mean" });
    expect(untrained.scores).not.toEqual((trained.scores as unknown[]).slice(0, 1));
  });

  test("raw pixels are the floor", async () => {
    const run = (probe: string, ...more: string[]) =>
      program.json(
        "eval",
        probe,
        "--pixels",
        ..."--data creatures --limit 60 --data-size 8".split(" "),
        ...more,
      );
    const nearest = await run("knn", "--k", "5");
    expect(nearest).toMatchObject({ pixels: true, side: 8, train: 60, classes: 10 });
    const [one, two] = [await run("linear", "--epochs", "1"), await run("linear", "--epochs", "2")];
    expect(one).toMatchObject({ pixels: true, settings: { epochs: 1, updates: 1 } });
    // An epoch's loss is that before its one update: the second tells what the first has done.
    expect(two.loss).toBeLessThan((one.loss as number) - 0.002);
  });

  test("a probe that diverges ends with its sentence, as what failed while running", async () => {
    const wild = "eval linear --pixels --data creatures --limit 60 --data-size 8 --epochs 9 --base-rate 1e37";
    const { code, stderr } = await program.run(...wild.split(" "));
    expect(stderr).toMatch(
      /^partwise: linearProbe: the loss must stay finite; got \w+ in epoch \d\. Lower the base rate 1e\+37\.$/m,
    );
    expect(code).toBe(1);
  });

  test("linear trains a classifier", async () => {
    const flags = "--epochs 2 --seed 3 --probe-batch 30 --train-resize 36".split(" ");
    const result = await evaluate("linear", ...flags);
    expect(result).toMatchObject({ settings: { epochs: 2, seed: 3, batchSize: 30, updates: 4 } });
    expect(result.top1).toBeGreaterThanOrEqual(0);
    expect(result.top5).toBeGreaterThan(result.top1 as number);
    expect(result).toMatchObject({ style: "mae", pool: "cls", augment: false, trainResize: 36 });
    const dino = await evaluate("linear", "--style", "dino", "--epochs", "1", "--augment");
    expect(dino).toMatchObject({ style: "dino", pool: "cls4", augment: true });
    expect(dino.settings).toMatchObject({ epochs: 1, rate: 0.004 });
  });

  test("attentive reads all tokens", async () => {
    const result = await evaluate("attentive", "--epochs", "2", "--best-epoch");
    expect(result).toMatchObject({
      style: "cae",
      batchStatistics: false,
      settings: { epochs: 2, rate: expect.closeTo(0.1, 9) },
    });
    expect((result.best as { top1: number }).top1).toBeGreaterThanOrEqual(result.top1 as number);
  });

  test("segmentation trains a layer on tokens, on the pictures' parts", async () => {
    const flags = "--data creatures --limit 12 --updates 3 --seed 4 --background --checkpoint".split(" ");
    const result = await program.json("eval", "segmentation", ...flags, at("whole"));
    expect(result).toMatchObject({
      ...{ command: "eval segmentation", method: "mae", step: STEPS, untrained: false, classes: 11 },
      settings: { updates: 3, seed: 4, batchSize: 12, crop: null, decayBias: false },
    });
    expect((result.perClass as unknown[])[0]).toMatchObject({ name: "background" });
    expect(result.aAcc).toBeGreaterThan(0);
    const untrained = await program.json("eval", "segmentation", ...flags, at("whole"), "--untrained");
    expect(untrained).toMatchObject({ step: 0, untrained: true });
    expect(untrained.loss).not.toBe(result.loss);
  });
});
