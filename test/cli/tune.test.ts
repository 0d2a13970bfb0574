import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { configOf } from "../../src/cli/options/methodOptions.ts";
import { cacheFile, cacheFolder } from "../../src/cli/system/tuningCache.ts";
import { tuneCommand, tunedSettings, tuneHint } from "../../src/cli/tune.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { fingerprint, readTuning, type Tunable, Tuning, writeTuning } from "../../src/engine/gpu/tuning.ts";
import { attentionMethods, shippedAttention } from "../../src/engine/ops/attentionMethods.ts";
import { shippedMethod } from "../../src/engine/ops/gemmChoice.ts";
import { gemmMethods } from "../../src/engine/ops/gemmMethods.ts";
import type { Tuned } from "../../src/engine/ops/tune.ts";
import { tunedVersion } from "../../src/engine/ops/tunedVersion.ts";
import type { MethodName } from "../../src/models/methods.ts";
import { vitConfig } from "../../src/models/vit.ts";
import type { KernelRow } from "../../src/profile/byKernel.ts";
import { planRun } from "../../src/train/plan.ts";
import { type RunChoices, type RunSettings, runSettings } from "../../src/train/run.ts";
import { withDevice } from "../withDevice.ts";
import { withProgram } from "./program.ts";

const program = withProgram();
const on = withDevice();
const MODEL = "vit_micro_patch8_32";
const settings = runSettings({
  method: "mae",
  recipe: "paper",
  model: MODEL,
  data: { name: "any", count: 2, width: 32, height: 32 },
  seed: 0,
  batchSize: 2,
  totalSteps: 2,
});
const file = (): string => cacheFile(on.device.info, join(program.cache, "partwise"));
function write(text: string): void {
  mkdirSync(dirname(file()), { recursive: true });
  writeFileSync(file(), text);
}
const writeChoices = (choices: ReadonlyMap<string, string>): void =>
  write(writeTuning(fingerprint(on.device.info), tunedVersion(), choices));

/** A run's classes and one shape of each. */
function classesOf(): Tuning["asked"] {
  on.device.tuning = new Tuning();
  planRun(on.device, settings, { withoutImages: true });
  return on.device.tuning.asked;
}

/** The methods there are for one, and the one that ships. */
function waysOf(tunable: Tunable): { names: string[]; usual: string } {
  const { device } = on;
  if (tunable.op === "matmul") {
    const names = gemmMethods(device.capabilities).map(({ name }) => name);
    return { names, usual: shippedMethod(device, tunable.shape) };
  }
  const pass = tunable.op === "attention forward" ? "forward" : "backward";
  const names = attentionMethods(device, pass, tunable.shape).map(({ name }) => name);
  return { names, usual: shippedAttention(device, pass) };
}

describe("partwise tune mae", () => {
  const EXTRA = ["matmul nn m1r n1r k1r batch1", "register"] as const;
  let result: { file: string; classes: (Tuned & { speedup: number | null })[] };
  let stdout: string;
  beforeAll(async () => {
    writeChoices(new Map([EXTRA]));
    const ended = await program.run(..."tune mae --batch 2 --rounds 1 --json --model".split(" "), MODEL);
    expect(ended.code, ended.stderr).toBe(0);
    stdout = ended.stdout;
    result = JSON.parse(stdout.trim().split("\n").at(-1)!);
  });

  test("measures the classes of the run's shapes, each with every method or a reason not to", () => {
    expect(new Set(result.classes.map(({ name }) => name))).toEqual(new Set(classesOf().keys()));
    expect(result.classes.length).toBeGreaterThan(5);
    const asked = classesOf();
    for (const { name, best, shipped, times, skipped, speedup } of result.classes) {
      const { names, usual } = waysOf(asked.get(name)!);
      expect([...times.map(({ method }) => method), ...skipped].sort()).toEqual(names.sort());
      expect(best).toBe(times[0]!.method);
      expect(shipped).toBe(usual);
      expect(speedup ?? 1).toBeGreaterThanOrEqual(1);
    }
  });

  test("prints a line for each and the file", () => {
    const lines = stdout.split("\n");
    for (const { name, best } of result.classes) {
      expect(lines.filter((line) => line.startsWith(`${name} `) && line.includes(best))).toHaveLength(1);
    }
    expect(stdout).toContain(`Saved in ${file()}`);
    expect(result.file).toBe(file());
  });

  test("saves the choices beside those of other shapes", () => {
    const saved = readTuning(readFileSync(file(), "utf8"), fingerprint(on.device.info), tunedVersion());
    const found = result.classes.map(({ name, best }) => [name, best] as const);
    expect(saved).toEqual(new Map([EXTRA, ...found]));
  });
});

describe("a run whose cache names other methods than those that ship", () => {
  let entry: string;
  beforeAll(() => {
    const classes = classesOf();
    const products = [...classes].filter(([, { op }]) => op === "matmul");
    const shipped = products.map(([, tunable]) => waysOf(tunable).usual);
    const other = shipped.includes("register") ? "workgroup32" : "register";
    entry = `matmul_${other.replace(/\d+/, "")}`;
    writeChoices(new Map(products.map(([name]) => [name, other])));
  });

  const matmulsOf = async (...more: string[]): Promise<string[]> => {
    const found = await program.json(..."profile mae --batch 2 --steps 1 --model".split(" "), MODEL, ...more);
    const names = (found.kernels as KernelRow[]).map(({ kernel }) => kernel);
    // matmul_parts adds up the parts of a cut k for methods that do not.
    return names.filter((name) => name.startsWith("matmul") && name !== "matmul_parts");
  };

  test("uses them, and with --no-tune does not", async () => {
    expect(await matmulsOf()).toEqual([entry]);
    expect(await matmulsOf("--no-tune")).not.toContain(entry);
  });

  test("saves the same checkpoint to the byte", async () => {
    const pretrain = async (out: string, ...more: string[]): Promise<Buffer> => {
      const path = join(program.folder, out);
      const args = "pretrain mae --data creatures --limit 8 --batch 2 --steps 2 --model".split(" ");
      await program.json(...args, MODEL, "--out", path, ...more);
      return readFileSync(join(path, "checkpoint.safetensors"));
    };
    const tuned = await pretrain("tuned");
    expect(tuned.length).toBeGreaterThan(1_000_000);
    expect(tuned.equals(await pretrain("shipped", "--no-tune"))).toBe(true);
  });
});

describe("a cache of no use", () => {
  const ignored = (stderr: string): string[] =>
    stderr.split("\n").filter((line) => line.includes("is ignored"));
  const plan = ["plan", "mae", "--batch", "2", "--model", MODEL];

  test.each([
    ["it is not JSON", "{"],
    ["it was measured on another adapter, another", writeTuning("another", tunedVersion(), new Map())],
    ["must have at most 1048576 bytes; got 1048577", "x".repeat(2 ** 20 + 1)],
  ])("is one line on stderr: %s", async (reason, text) => {
    write(text);
    const { code, stderr } = await program.run(...plan);
    expect(ignored(stderr)).toEqual([
      `partwise: ${file()} is ignored: ${reason}; \`partwise tune\` writes it anew`,
    ]);
    expect(code).toBe(0);
  });

  test("is said by eval, too, and not with --no-tune", async () => {
    write("{");
    const checkpoint = join(program.folder, "shipped");
    const knn = ["eval", "knn", "--data", "creatures", "--limit", "10", "--checkpoint", checkpoint];
    const said = async (...more: string[]) => {
      const { code, stderr } = await program.run(...knn, ...more);
      expect(code, stderr).toBe(0);
      return ignored(stderr);
    };
    expect(await said()).toEqual([
      `partwise: ${file()} is ignored: it is not JSON; \`partwise tune\` writes it anew`,
    ]);
    expect(await said("--no-tune")).toEqual([]);
  });

  test("that cannot be written is said before measuring", async () => {
    rmSync(program.cache, { recursive: true });
    writeFileSync(program.cache, "in the way");
    const { code, stdout, stderr } = await program.run("tune", "mae", "--batch", "2", "--model", MODEL);
    expect(stderr).toMatch(
      /^partwise: tune: the cache must be writable; .*cache\/partwise: part of its path is a file, .* in XDG_CACHE_HOME\.$/m,
    );
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

test("caches lie where each system keeps them", () => {
  const folder = (platform: NodeJS.Platform, env: NodeJS.ProcessEnv = {}) =>
    cacheFolder(platform, env, "/home/me");
  expect(folder("linux")).toBe(join("/home/me", ".cache", "partwise"));
  expect(folder("darwin")).toBe(join("/home/me", "Library", "Caches", "partwise"));
  expect(folder("win32")).toBe(join("/home/me", "AppData", "Local", "partwise"));
  expect(folder("win32", { LOCALAPPDATA: "/local" })).toBe(join("/local", "partwise"));
  for (const platform of ["linux", "darwin", "win32"] as const) {
    expect(folder(platform, { XDG_CACHE_HOME: "/caches" })).toBe(join("/caches", "partwise"));
  }
});

/** The settings that a command line of `partwise tune` stands for. */
async function settingsBy(words: readonly string[]): Promise<RunSettings> {
  const [method, ...rest] = words as [MethodName, ...string[]];
  const command = tuneCommand().commands.find((one) => one.name() === method)!;
  let settings: RunSettings | undefined;
  command.action(async (flags) => {
    settings = await tunedSettings({ ...flags, method, config: configOf(command, method) });
  });
  await command.parseAsync(rest, { from: "user" });
  return settings!;
}

describe("the hint to tune", () => {
  const gpu = { vendor: "maker", architecture: "family", device: "", description: "GPU" } as GPUAdapterInfo;
  const shape = { m: 4, n: 4, k: 4, batch: 1, transposeA: false, transposeB: false };
  const asking = (): Tuning => {
    const tuning = new Tuning();
    tuning.choose({ op: "matmul", shape });
    return tuning;
  };

  const capabilities = { matrices: [] } as unknown as Device["capabilities"];
  const data = { name: "any", count: 8, width: 32, height: 32, classes: 10 };
  const chosen = { model: MODEL, data, seed: 0, batchSize: 8, totalSteps: 9 };
  const other = vitConfig("vit_micro_patch8_32");

  test.each<[RunChoices, string]>([
    [
      { ...chosen, method: "mae", config: { maskRatio: 0.5, normPixLoss: false } },
      "--mask-ratio 0.5 --no-norm-pix",
    ],
    [{ ...chosen, method: "mae", recipe: "paper" }, "--recipe paper"],
    [{ ...chosen, method: "supervised" }, "--classes 10"],
    [{ ...chosen, method: "supervised", recipe: "finetune-small" }, "finetune-small"],
    [
      { ...chosen, method: "dino", imageSize: 16, config: { prototypes: 300, localCrops: 3 } },
      "--prototypes 300",
    ],
    [
      { ...chosen, method: "beit", config: { tokens: 64, relativePositions: true } },
      "--relative-positions --tokens 64",
    ],
    [{ ...chosen, method: "moco-v3", precision: "f16" }, "--batch 8`"],
    [{ ...chosen, method: "ibot", config: { globalScale: [0.5, 1] } }, "--global-scale 0.5,1"],
  ])("is kept: tuning by it leaves nothing to tune, %#", async (choices, words) => {
    const asked = runSettings(choices);
    const run = new Tuning();
    on.device.tuning = run;
    const { precision: _, ...inF32 } = asked; // the kernels are the same
    planRun(on.device, inF32, { withoutImages: true });
    const hint = tuneHint({ info: gpu, capabilities, tuning: run }, asked, {})!;
    expect(hint).toContain(words);
    const command = /`partwise tune (.*)`/.exec(hint)![1]!;
    on.device.tuning = new Tuning();
    planRun(on.device, await settingsBy(command.split(" ")), { withoutImages: true });
    const { asked: measured } = on.device.tuning;
    run.choices = new Map([...measured.keys()].map((name) => [name, "register"]));
    on.device.tuning = new Tuning();
    expect(tuneHint({ info: gpu, capabilities, tuning: run }, asked, {})).toBeNull();
  });

  test("says how the run saves memory, and which tokenizer it was given", () => {
    const flags = { gradCheckpointing: true, tokenizer: "codes.safetensors" };
    const codes = runSettings({ ...chosen, method: "beit", tokenizer: "00" });
    const hint = tuneHint({ info: gpu, capabilities, tuning: asking() }, codes, flags);
    expect(hint).toContain(" --tokenizer codes.safetensors --grad-checkpointing`");
  });

  test("is not given where tuning decides nothing, or not all of it", () => {
    const matrices = { matrices: [{}] } as unknown as Device["capabilities"];
    expect(tuneHint({ info: gpu, capabilities: matrices, tuning: asking() }, settings)).toBeNull();
    const codes = runSettings({ ...chosen, method: "beit", tokenizer: "00" });
    expect(tuneHint({ info: gpu, capabilities, tuning: asking() }, codes)).toBeNull();
    const taught = runSettings({ ...chosen, method: "supervised", config: { teacher: other } });
    expect(tuneHint({ info: gpu, capabilities, tuning: asking() }, taught)).toBeNull();
  });

  test("names the command for a GPU that was not tuned for the run's shapes", () => {
    expect(tuneHint({ info: gpu, capabilities, tuning: asking() }, settings)).toContain(
      `\`partwise tune mae --model ${MODEL} --batch 2 --recipe paper\``,
    );
    const scaled = runSettings({
      method: "mae",
      model: MODEL,
      data: settings.data,
      seed: 0,
      batchSize: 2,
      totalSteps: 2,
      imageSize: 16,
    });
    expect(tuneHint({ info: gpu, capabilities, tuning: asking() }, scaled)).toContain(
      "--batch 2 --image-size 16`",
    );
  });

  test("is not given once they are measured, nor on a software adapter", () => {
    const tuned = asking();
    tuned.choices = new Map([...tuned.asked.keys()].map((name) => [name, "register"]));
    expect(tuneHint({ info: gpu, capabilities, tuning: tuned }, settings)).toBeNull();
    const software = { ...gpu, architecture: "software" } as GPUAdapterInfo;
    expect(tuneHint({ info: software, capabilities, tuning: asking() }, settings)).toBeNull();
  });
});
