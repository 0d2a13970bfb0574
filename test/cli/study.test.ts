import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { PRESETS, readStudy } from "../../src/cli/study/file.ts";
import { keepDigests } from "../../src/cli/study/folderDigests.ts";
import { cellPictures, checkFolders } from "../../src/cli/study/pictures.ts";
import { allPieces, missingPieces } from "../../src/cli/study/pieces.ts";
import { studyText, tableCsv, verdictCsv } from "../../src/cli/study/table.ts";
import { UsageError } from "../../src/cli/system/errors.ts";
import { lock } from "../../src/cli/system/lock.ts";
import { creatures } from "../../src/data/creatures/creatures.ts";
import type { MethodName } from "../../src/models/methods.ts";
import { vitConfig } from "../../src/models/vit.ts";
import { type CellResult, cellSettings } from "../../src/study/cell.ts";
import { cellsOf, isMethod, isValidation } from "../../src/study/plan.ts";
import { PROBES } from "../../src/study/probes.ts";
import { type Entry, setTables } from "../../src/study/setTable.ts";
import { openDecoder } from "../data/codec.ts";
import { root } from "../repo/files.ts";
import { grayPng, plainPng } from "./png.ts";
import { withProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "partwise-study-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = `
name: toy
model: vit_micro_patch4_32
pictures: 16
seeds: [0]
floorSeeds: [0]
data: { coat: { source: creatures-coat, train: 12, probe: 10, test: 8, parts: 3 } }
methods: { mae: { batch: 4 } }
`;

function fileOf(text: string): string {
  const path = join(folder, "study.yaml");
  writeFileSync(path, text);
  return path;
}

test("the study of the repository is read, and what a file leaves out has its default", async () => {
  const shipped = await readStudy(join(root, "studies/methods.yaml"));
  expect(Object.keys(shipped.methods)).toHaveLength(8);
  const { probes, neighbours, linearEpochs, attentiveEpochs, methods } = await readStudy(fileOf(GOOD));
  expect([neighbours, linearEpochs, attentiveEpochs, methods]).toEqual([20, 30, 30, { mae: { batch: 4 } }]);
  expect(probes).toEqual(PROBES);
});

test("a study that goes without first values has them where they are asked for", async () => {
  const without = fileOf(`${GOOD}first: false\n`);
  const read = async (first?: boolean) => (await readStudy(without, { first })).first;
  expect([await read(), await read(true)]).toEqual([false, true]);
  expect((await readStudy(fileOf(GOOD))).first).toBeUndefined();
  expect((await readStudy("quick")).first).toBe(false);
});

test("one set of a study is read alone, and nothing is asked of the others", async () => {
  const folderless = GOOD.replace("data: { ", "data: { real: { train: 4, probe: 4, test: 4 }, ");
  const { data } = await readStudy(fileOf(folderless), { set: "coat" });
  expect(Object.keys(data)).toEqual(["coat"]);
});

describe("a preset", () => {
  const folders = { data: "imagenet", partsFrom: "cub" };

  test.each(PRESETS)("%s is read by its name, and every run of it can be put together", async (name) => {
    const plan = await readStudy(name, name === "paper" ? folders : {});
    expect(plan.name).toBe(name);
    const { imageSize } = vitConfig(plan.model);
    const cells = cellsOf(plan).filter(({ encoder }) => isMethod(encoder));
    for (const cell of cells) {
      const { train } = plan.data[cell.data]!;
      const data = { name: "toy", count: train, width: imageSize, height: imageSize, classes: 20 };
      const settings = cellSettings(plan, cell, data);
      expect(settings.recipe).toBe(name === "paper" ? "paper" : "small");
      expect(settings.totalSteps * settings.batchSize).toBeGreaterThanOrEqual(plan.pictures);
    }
  });

  test("small has what verdicts need: five seeds, a validation seed, three of the floor, both sets", async () => {
    const { seeds, floorSeeds, data, pictures, methods } = await readStudy("small");
    expect(seeds.filter((seed) => !isValidation(seed))).toEqual([0, 1, 2, 3, 4]);
    expect(seeds.filter(isValidation)).toHaveLength(1);
    expect([floorSeeds.length, pictures, Object.keys(methods).length]).toEqual([3, 500_000, 8]);
    expect(Object.values(data).map(({ source }) => source)).toEqual(["creatures-coat", "creatures-shape"]);
  });

  test("paper's rates are the published ones by the linear rule, each for its batch", async () => {
    const plan = await readStudy("paper", folders);
    const data = { name: "toy", count: 20_000, width: 224, height: 224, classes: 20 };
    const rates = Object.keys(plan.methods).map((encoder) => {
      const cell = { data: "pictures", encoder: encoder as MethodName, seed: 0 };
      const { batchSize, lr } = cellSettings(plan, cell, data);
      return [encoder, batchSize, lr.base];
    });
    expect(rates).toEqual([
      ["supervised", 128, (5e-4 * 128) / 512],
      ["moco-v3", 64, (1.5e-4 * 64) / 256],
      ["dino", 16, (7.5e-4 * 16) / 256],
      ["ibot", 16, (7.5e-4 * 16) / 256],
      ["mae", 128, (1.5e-4 * 128) / 256],
      ["beit", 64, (1.5e-3 * 64) / 2048],
      ["data2vec", 64, (2e-3 * 64) / 2048],
      ["cae", 64, (1.5e-3 * 64) / 2048],
    ]);
  });

  test("paper is on the folders that are named", async () => {
    const { data, model } = await readStudy("paper", folders);
    expect([model, data.pictures]).toEqual([
      "vit_base_patch16_224",
      expect.objectContaining({ source: "imagenet", partsFrom: "cub" }),
    ]);
    await expect(readStudy("paper")).rejects.toThrow(/data\.pictures\.source: must be .*Add --data FOLDER/);
    await expect(readStudy("small", { data: "x" })).rejects.toThrow(
      /^--data is for a study with a set without/,
    );
    await expect(readStudy("small", { partsFrom: "x" })).rejects.toThrow(/^--parts-from is for a set/);
    const partless = fileOf(GOOD.replace("source: creatures-coat, ", "").replace("parts: 3", "parts: 0"));
    await expect(readStudy(partless, folders)).rejects.toThrow(
      `${partless}: data.coat.parts: must be above 0 where partsFrom names a folder; got 0`,
    );
  });
});

test.each([
  [
    "an unknown model",
    GOOD.replace("vit_micro_patch4_32", "vit_grand"),
    /model: must be the name of an encoder/,
  ],
  [
    "a setting of another kind",
    GOOD.replace("batch: 4", "config: { maskRatio: half }"),
    /methods\.mae\.config\.maskRatio: must be of the kind of 0\.75; got "half"/,
  ],
  [
    "a setting out of its range",
    GOOD.replace("batch: 4", "config: { maskRatio: 7 }"),
    /methods\.mae\.config\.maskRatio: --mask-ratio must be .*; got 7/,
  ],
  [
    "a batch that a method cannot have",
    GOOD.replace("mae: { batch: 4 }", "moco-v3: { batch: 1 }"),
    /methods\.moco-v3: .*got 1/,
  ],
  ["an unknown method", GOOD.replace("mae:", "dance:"), /methods\.dance/],
  ["a word that is no setting", GOOD.replace("pictures: 16", "pictures: 16\npicture: 3"), /picture/],
  ["pictures of a wrong kind", GOOD.replace("pictures: 16", "pictures: many"), /pictures: /],
  ["no seed", GOOD.replace("seeds: [0]", "seeds: []"), /seeds: /],
  ["a set without pictures", GOOD.replace("train: 12", "train: 0"), /data\.coat\.train: /],
  [
    "a seed twice",
    GOOD.replace("floorSeeds: [0]", "floorSeeds: [1, 0, 1]"),
    /floorSeeds: must be different ones/,
  ],
  ["a probe that is none", GOOD.replace("seeds: [0]", "probes: [linear, dance]\nseeds: [0]"), /probes\.1: /],
  [
    "a probe twice",
    GOOD.replace("seeds: [0]", "probes: [linear, linear]\nseeds: [0]"),
    /probes: must be diff/,
  ],
  ["no set", GOOD.replace(/data: .*/, "data: {}"), /data: /],
  ["a set that is a folder above", GOOD.replace("coat:", "..:"), /data\..*must be letters/],
  ["a rate without end", GOOD.replace("batch: 4", "lr: .inf"), /methods\.mae\.lr: /],
  [
    "a word that is no setting of the method",
    GOOD.replace("batch: 4", "config: { maskRate: 0.5 }"),
    /methods\.mae\.config\.maskRate: must be a setting of mae, which has .*maskRatio/,
  ],
  [
    "a folder of parts of which none are asked",
    GOOD.replace("parts: 3", "partsFrom: birds"),
    /data\.coat\.parts: must be above 0 where partsFrom names a folder; got 0$/,
  ],
  ["no YAML", "name: [", /must be YAML/],
])("%s is refused where it stands", async (_, text, where) => {
  const path = fileOf(text);
  const error = await readStudy(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect((error as Error).message).toMatch(where);
  expect((error as Error).message.startsWith(`${path}: `)).toBe(true);
});

test("pictures that were drawn in pieces and kept are those of the set drawn at once", async () => {
  const plan = await readStudy(fileOf(GOOD));
  const data = { ...plan.data.coat!, train: 12, probe: 10 };
  const pictures = join(folder, "pictures");
  const pieces = allPieces({ ...plan, data: { coat: data } }, 32);
  expect(await missingPieces(pictures, pieces)).toEqual([...pieces.keys()]);
  for (const round of ["drawn", "kept"]) {
    const { train, targets } = await cellPictures(pictures, data, 32);
    const whole = creatures({ kind: "creatures-coat", count: 12, size: 32 });
    expect(Buffer.compare(Buffer.from(train.pixels), Buffer.from(whole.pixels)), round).toBe(0);
    expect(train.labels).toEqual(whole.labels);
    const [objects, parts] = targets;
    expect([objects!.probe.count, objects!.test.count, parts!.name]).toEqual([10, 8, "parts"]);
    expect(
      Buffer.compare(Buffer.from(objects!.probe.pixels), Buffer.from(whole.pixels.subarray(0, 10 * 3072))),
    ).toBe(0);
    expect([...parts!.test.pictures!].every((picture) => picture < 3)).toBe(true);
  }
  expect(await missingPieces(pictures, pieces)).toEqual([]);
  expect(
    allPieces({ ...plan, data: { coat: { ...data, train: 9000 } } }, 32).map(({ count }) => count),
  ).toEqual([4000, 4000, 1000, 8, 3, 3]);
});

test("parts may come from a folder of annotated pictures, each crop with its picture", async () => {
  const partsFrom = join(folder, "annotated");
  const files = {
    "images/train/1.png": plainPng(4, 2, [1, 2, 3]),
    "images/val/2.png": plainPng(4, 2, [1, 2, 3]),
    "images/val/3.png": plainPng(4, 2, [1, 2, 3]),
    "masks/train/1.png": grayPng(4, [0, 0, 1, 1, 2, 2, 0, 0]),
    "masks/val/2.png": grayPng(4, [0, 0, 1, 1, 2, 2, 0, 0]),
    "masks/val/3.png": grayPng(4, [0, 0, 0, 0, 0, 0, 0, 2]),
  };
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(partsFrom, name)), { recursive: true });
    writeFileSync(join(partsFrom, name), bytes);
  }
  const set = { source: "creatures-coat", train: 4, probe: 4, test: 4, parts: 10, partsFrom };
  const { targets } = await cellPictures(null, set, 32, { decoder: openDecoder });
  const [objects, parts] = targets;
  expect([objects!.test.count, parts!.name, parts!.probe.count, parts!.test.width]).toEqual([
    4,
    "parts",
    2,
    32,
  ]);
  expect([...parts!.test.labels]).toEqual([0, 1, 1]);
  expect([...parts!.test.pictures!]).toEqual([0, 0, 1]);
  const plan = { ...(await readStudy(fileOf(GOOD))), data: { coat: set } };
  expect(allPieces(plan, 32).map(({ size }) => size)).toEqual([32, 32]); // no drawings to cut parts out of

  const twice = { ...set, parts: 2, partsFrom };
  await expect(cellPictures(null, twice, 32, { decoder: openDecoder, validation: true })).rejects.toThrow(
    /annotated: validation needs crops of two training pictures or more, .*; got those of 1\./,
  );
  const none = {
    ...set,
    partsFrom: undefined,
    source: join(partsFrom, "images"),
    train: 1,
    probe: 1,
    test: 1,
  };
  await expect(cellPictures(null, none, 32, { decoder: openDecoder })).rejects.toThrow(
    "parts of a folder need partsFrom, a folder of annotated pictures; got none",
  );
});

describe("validation seeds", () => {
  const pixelsOf = ({ pixels, count, width }: { pixels: Uint8Array; count: number; width: number }) =>
    Array.from({ length: count }, (_, i) =>
      Buffer.from(pixels.subarray(i * width ** 2 * 3, (i + 1) * width ** 2 * 3)).toString("base64"),
    );

  test("are tested on other pictures than the test split, and than those they learn from", async () => {
    const plan = await readStudy(fileOf(GOOD));
    const set = plan.data.coat!;
    const [chosen, asked] = [
      await cellPictures(null, set, 32, { validation: true }),
      await cellPictures(null, set, 32),
    ];
    expect(chosen.train.pixels).toEqual(asked.train.pixels);
    for (const [i, { name, probe, test }] of chosen.targets.entries()) {
      const seen = new Set([...pixelsOf(probe), ...pixelsOf(asked.targets[i]!.test)]);
      expect(
        pixelsOf(test).filter((picture) => seen.has(picture)),
        name,
      ).toEqual([]);
      expect(test.count, name).toBeGreaterThan(0);
    }
    const splits = (seeds: number[], floorSeeds = [0]) =>
      allPieces({ ...plan, seeds, floorSeeds }, 32).map(({ split }) => split);
    expect(splits([0])).not.toContain("val");
    for (const asked of [splits([0, 100]), splits([0], [0, 100])]) {
      expect(asked.filter((split) => split === "val")).toHaveLength(2);
    }
    expect(splits([100])).toContain("test"); // which raw pixels are asked about
  });

  test("of a folder are tested on a part of its training split; too few pictures are refused at once", async () => {
    const source = join(folder, "classes");
    for (const split of ["train", "test"]) {
      for (let i = 0; i < 12; i++) {
        const path = join(source, split, i % 2 ? "cat" : "dog", `${i}.png`);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, plainPng(32, 32, [i, split === "train" ? 0 : 9, 0]));
      }
    }
    const set = { source, train: 6, probe: 4, test: 4, parts: 0 };
    const how = { decoder: openDecoder };
    const { train, targets } = await cellPictures(null, set, 32, { ...how, validation: true });
    const [{ probe, test: held }] = targets as [(typeof targets)[0]];
    expect([train.count, probe.count, held.count]).toEqual([6, 4, 4]);
    const known = new Set([...pixelsOf(train), ...pixelsOf(probe)]);
    expect(pixelsOf(held).filter((picture) => known.has(picture))).toEqual([]);
    expect([...held.pixels].filter((_, i) => i % 3 === 1)).not.toContain(9); // the test split is not seen
    const whole = await cellPictures(null, set, 32, how);
    expect([...whole.targets[0]!.test.pixels].filter((_, i) => i % 3 === 1)).not.toContain(0);

    const plan = { ...(await readStudy(fileOf(GOOD))), data: { own: { ...set, train: 9 } } };
    const [digest, ...others] = await checkFolders(plan, 32, how);
    expect([digest!.folder, others]).toEqual([source, []]);
    for (const seeds of [{ seeds: [0, 100] }, { floorSeeds: [100] }]) {
      await expect(checkFolders({ ...plan, ...seeds }, 32, how)).rejects.toThrow(
        /classes: the study asks for 13 pictures to train, validation among them; it has 12/,
      );
    }
    const more = { ...plan, data: { own: { ...set, test: 13 } } };
    await expect(checkFolders(more, 32, how)).rejects.toThrow(/asks for 13 pictures to test; it has 12/);

    const out = join(folder, "kept");
    mkdirSync(out);
    const keep = async (isFinished: boolean) =>
      keepDigests(out, await checkFolders(plan, 32, how), () => isFinished);
    await keep(true); // a study of before knows none
    writeFileSync(join(source, "test/cat/1.png"), plainPng(32, 32, [1, 8, 0])); // of the same size
    await expect(keep(true)).rejects.toThrow(
      /classes: must hold the pictures that the finished cells of own were computed on; it holds others now\. Put/,
    );
    await keep(false);
    await keep(true);
  });
});

describe("tables", () => {
  const result = (encoder: "mae" | "pixels", seed: number, reading: string, sums: number[]): CellResult => ({
    data: "coat",
    encoder,
    seed,
    plan: {
      model: "vit_micro_patch4_32",
      data: { source: "creatures-coat", train: 8, probe: 8, test: 8, parts: 0 },
      neighbours: 20,
      probes: PROBES,
      linearEpochs: 30,
      attentiveEpochs: 30,
    },
    readouts: [
      {
        target: "objects",
        reading,
        probe: "linear",
        score: sums.reduce((sum, value) => sum + value, 0) / 4,
        floor: 0.05,
        pictures: { items: [1, 1, 1, 1], sums },
      },
    ],
  });
  const level = (score: number) => [score, score, score, score];
  const tables = setTables([
    result("pixels", 0, "pixels", [0, 0, 0, 1]),
    result("mae", 0, "cls", level(0.4)),
    result("mae", 1, "cls", level(0.5)),
    result("mae", 100, "cls", level(0.9)),
  ]);

  test("have a row for each reading, the mean over seeds with its interval, and what guessing gives", () => {
    const lines = studyText(tables).split("\n");
    // 12.7062 s / √2 with s = .0707: one degree of freedom; pictures that are alike add nothing.
    expect(lines.slice(0, 5)).toEqual([
      "| coat, in % | objects linear |",
      "| --- | ---: |",
      "| guessing | 5.0 |",
      "| pixels | 25.0 |",
      "| mae, cls | 45.0 ± 63.5 |",
    ]);
  });

  test("are followed by the claims, each with its verdict and why", () => {
    const text = studyText(tables);
    expect(text).toMatch(
      /^1\. supervised .* \(objects, linear\): UNDECIDED \(0 of 6 hold, .*not measured\)$/m,
    );
    expect(text.match(/^[1-5]\. /gm)).toHaveLength(7);
    expect(text).not.toMatch(/^ {5}/m); // no comparison was measured
  });

  test("as CSV have every number of the seeds that count", () => {
    const [header, pixels, mae, ...rest] = tableCsv(tables).trimEnd().split("\n");
    expect(header).toBe("set,encoder,reading,target,probe,mean,low,high,seeds,guessing");
    expect(pixels).toBe("coat,pixels,pixels,objects,linear,0.25,,,1,0.05");
    expect(mae).toMatch(/^coat,mae,cls,objects,linear,0\.45,-0\.18\d*,1\.08\d*,2,0\.05$/);
    expect(rest).toEqual([]);
  });

  test("as CSV have every comparison with what it is claimed to be above, and claim 4, which compares none", () => {
    const [{ verdicts, ...table }] = tables as [(typeof tables)[0]];
    const told = verdicts.map((verdict) =>
      verdict.claim === 4 ? { ...verdict, decision: "supported" as const, probability: 0.975 } : verdict,
    );
    const [header, ...lines] = verdictCsv([{ ...table, verdicts: told }])
      .trimEnd()
      .split("\n");
    expect(header).toBe(
      "set,claim,verdict,probability,comparison,target,probe,above,mean,low,high,seeds,p,decision",
    );
    expect(lines).toHaveLength(6 + 12 + 6 + 1 + 4);
    expect(lines.filter((line) => line.startsWith("coat,4"))).toEqual(["coat,4,supported,0.975,,,,,,,,,,"]);
    const mean = "mean of moco-v3, dino, ibot";
    expect(lines.slice(-4)).toEqual([
      ...["k-NN", "linear", "retrieval"].map(
        (probe) => `coat,5,undecided,,"${mean} - mae",objects,${probe},0,,,,,,undecided`,
      ),
      `coat,5,undecided,,"mae - ${mean}, above -2 points",objects,attentive,-0.02,,,,,,undecided`,
    ]);
  });
});

describe("partwise study", () => {
  const program = withProgram();
  const TINY = `
name: tiny
model: vit_micro_patch16_32
pictures: 12
seeds: [0]
floorSeeds: [0]
data: { coat: { source: creatures-coat, train: 8, probe: 20, test: 20 } }
methods: { mae: { batch: 4, lr: 1.0e+30 } }
probes: [linear]
linearEpochs: 1
`;
  const study = (text: string, ...more: string[]) =>
    program.run("study", fileOf(text), "--out", join(program.folder, "study"), ...more);

  test("ends with 1 where a loss is not finite, and keeps the other cells", async () => {
    const { code, stderr, stdout } = await study(TINY, "--jobs", "4000000000");
    expect(stderr).toMatch(/^partwise: step \d+: loss and gradients must be finite; .*\.$/m);
    expect(stderr).toMatch(/^partwise: study: coat\/mae-0 ended with 1; its message is above\.$/m);
    expect(code).toBe(1);
    const floor = readFileSync(join(program.folder, "study/coat/pixels-0/result.json"), "utf8");
    expect(JSON.parse(floor)).toMatchObject({ encoder: "pixels", plan: { linearEpochs: 1 } });
    expect(readFileSync(join(program.folder, "study/table.csv"), "utf8")).toMatch(
      /^coat,untrained,cls,objects/m,
    );
    expect(stdout).toMatch(/^1 of 3 cells are missing/m);
  });

  test("lists its cells by number, and writes the report of those there are, without computing any", async () => {
    const list = await study(TINY, "--only", "list");
    expect([list.code, list.stdout]).toEqual([
      0,
      "0  coat/pixels-0  finished\n1  coat/untrained-0  finished\n2  coat/mae-0\n",
    ]);
    const other = await study(TINY, "--only", "list", "--set", "shape");
    expect([other.code, other.stderr]).toEqual([
      2,
      "partwise: --set must be one of those of the study, coat; got shape.\n",
    ]);
    rmSync(join(program.folder, "study/report.html"));
    const { code, stdout } = await study(TINY, "--only", "report");
    expect([code, stdout]).toEqual([0, expect.stringContaining("1 of 3 cells are missing")]);
    const page = readFileSync(join(program.folder, "study/report.html"), "utf8");
    expect(page).toMatch(/raw pixels[\s\S]*untrained/);
    expect(page).not.toMatch(/NaN|undefined/);
    const { results } = JSON.parse(readFileSync(join(program.folder, "study/report.json"), "utf8"));
    expect(results[0]).toMatchObject({
      encoder: "pixels",
      versions: { node: process.version },
      seconds: expect.any(Number),
    });
  });

  test("names a cell that the file now asks otherwise, and touches none", async () => {
    const result = join(program.folder, "study/coat/pixels-0/result.json");
    const before = readFileSync(result, "utf8");
    const changed = TINY.replace("linearEpochs: 1", "linearEpochs: 2");
    for (const more of [[], ["--cell", "0"]]) {
      const { code, stderr } = await study(changed, ...more);
      expect(stderr).toMatch(
        /^partwise: .*coat\/pixels-0: must have been computed by .*; linearEpochs was 1 and is 2\. Delete the folder/m,
      );
      expect(code).toBe(2);
    }
    const same = await study(TINY, "--cell", "0");
    expect([same.code, same.stdout]).toEqual([0, "coat/pixels-0: computed before\n"]);
    expect(readFileSync(result, "utf8")).toBe(before);
  });

  test("refuses a cell that another process computes", async () => {
    const out = join(program.folder, "shared");
    mkdirSync(join(out, "coat/pixels-0"), { recursive: true });
    const release = await lock(join(out, "coat/pixels-0/run.lock"));
    const { code, stderr } = await program.run("study", fileOf(TINY), "--out", out, "--cell", "0");
    release();
    const sentence = `pixels-0/run.lock: must be free; process ${process.pid} has it. Wait for that run`;
    expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)]);
    expect(readdirSync(join(out, "coat/pixels-0"))).toEqual([]);
  });

  test("passes on the signal that ends it, and ends with its status when its cells have ended", async () => {
    const out = join(program.folder, "stopped");
    const long = TINY.replace("pictures: 12", "pictures: 1000000").replace("lr: 1.0e+30", "lr: 0.001");
    const { child, ended } = program.start("study", fileOf(long), "--out", out, "--jobs", "3", "--no-tune");
    const held = join(out, "coat/mae-0/run.lock");
    for (const deadline = Date.now() + 60_000; !existsSync(held) && Date.now() < deadline; ) await sleep(5);
    const { pid } = JSON.parse(readFileSync(held, "utf8"));
    child.kill("SIGTERM");
    const { code, stdout } = await ended; // when nobody writes to its output any more
    expect(code).toBe(143);
    expect(stdout).toMatch(/^stopped by SIGTERM; the same command goes on with what is missing$/m);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(readdirSync(join(out, "coat/mae-0"))).toEqual([]);
  });

  test("measures runs before their first step, too, and refuses one of which that is missing", async () => {
    const several = TINY.replace(", lr: 1.0e+30", "").replace("seeds: [0]", "seeds: [0, 1]");
    const file = fileOf(several);
    const [out, other] = ["several seeds", "alone"].map((name) => join(program.folder, name)) as [
      string,
      string,
    ];
    const cells = await Promise.all(
      ["2", "3"].map((k) => program.run("study", file, "--out", out, "--cell", k, "--no-tune")),
    );
    expect(cells.map(({ code }) => code)).toEqual([0, 0]);
    for (const cell of ["mae-0", "mae-1"]) {
      expect(readdirSync(join(out, "coat", cell))).toContain("first.safetensors");
    }
    cpSync(join(out, "coat/mae-0"), join(other, "coat/mae-0"), { recursive: true });
    const result = join(other, "coat/mae-0/result.json");
    const { first: _, ...alone } = JSON.parse(readFileSync(result, "utf8"));
    writeFileSync(result, JSON.stringify(alone)); // as `first: false` computes a single one

    const [report, refused] = await Promise.all([
      program.run("study", file, "--out", out, "--only", "report"),
      program.run("study", file, "--out", other, "--only", "report"),
    ]);
    expect(report.code).toBe(0);
    const { tables, command } = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
    expect(command).toBe(`partwise study ${file} --out '${out}'`); // as a shell takes it
    const own = tables[0].rows.find(({ reading }: { reading: string }) => reading === "mean");
    expect(own.entries.map(({ learned, seeds }: Entry) => [typeof learned, seeds])).toEqual([["boolean", 2]]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /coat\/mae-0: must have been computed by .*; it was not measured before its first step, which the study asks .*\. Delete/,
    );
  });

  test("names a result that is damaged", async () => {
    const result = join(program.folder, "study/coat/pixels-0/result.json");
    const whole = readFileSync(result, "utf8");
    for (const text of [whole.slice(0, 100), "null", whole.replace(/"score":[\d.]+/, '"score":7')]) {
      writeFileSync(result, text);
      const { code, stderr } = await study(TINY, "--cell", "0");
      expect(stderr).toMatch(
        /^partwise: .*coat\/pixels-0\/\S+: is damaged: .*\. Remove its folder to compute it again\.$/m,
      );
      expect(code).toBe(2);
    }
  });
});
