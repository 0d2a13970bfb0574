import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { collectZoo, recordScores } from "../../scripts/zooFiles.mjs";
import { readStudy } from "../../src/cli/study/file.ts";
import { openGiven } from "../../src/cli/study/zooFolder.ts";
import { cellsOf } from "../../src/study/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "partwise-zoo-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ADAPTER = { description: "some GPU" };

/** Leaves the encoder of a finished cell as a study does -> what its report has of the cell. */
function writeCell(runs: string, method: string, encoder: string): object {
  const cell = join(runs, "coat", `${method}-0`);
  mkdirSync(cell, { recursive: true });
  writeFileSync(join(cell, "encoder.safetensors"), encoder);
  const plan = { model: "vit_micro_patch4_32", data: { source: "creatures-coat" } };
  const training = { pictures: 512, seconds: 3.4 };
  return { data: "coat", encoder: method, seed: 0, plan, training, adapter: ADAPTER };
}

test("the zoo holds the finished encoders of a study in its order, and says what made each", () => {
  const [runs, out] = [join(folder, "runs"), join(folder, "zoo")];
  const results = ["beit", "supervised", "mae"].map((method) => writeCell(runs, method, method));
  writeCell(runs, "data2vec", "of an earlier plan"); // not in the report
  const plan = { methods: { mae: {}, supervised: {}, ibot: {}, beit: {} } };
  const pixels = { data: "coat", encoder: "pixels", seed: 0 };
  writeFileSync(join(runs, "report.json"), JSON.stringify({ plan, results: [pixels, ...results] }));
  const { encoders, bytes } = collectZoo(runs, out, "partwise study a.yaml");
  expect(bytes).toBe("maesupervisedbeit".length);
  expect(encoders.map(({ file }) => file)).toEqual([
    "coat-mae-0.safetensors",
    "coat-supervised-0.safetensors",
    "coat-beit-0.safetensors",
  ]);
  expect(encoders[0]).toEqual({
    method: "mae",
    seed: 0,
    model: "vit_micro_patch4_32",
    data: "creatures-coat",
    file: "coat-mae-0.safetensors",
    sha256: createHash("sha256").update("mae").digest("hex"),
    bytes: 3,
    pictures: 512,
    seconds: 3,
    adapter: ADAPTER,
    command: "partwise study a.yaml",
  });
  expect(JSON.parse(readFileSync(join(out, "zoo.json"), "utf8"))).toEqual({
    format: "partwise.zoo.2",
    encoders,
  });
  expect(readdirSync(out).sort()).toEqual([...encoders.map(({ file }) => file), "zoo.json"].sort());
});

test("the scores of its encoders are recorded from the cells that read them, and of no other file", () => {
  const [out, cells] = [join(folder, "zoo"), join(folder, "read")];
  const sha256 = createHash("sha256").update("mae").digest("hex");
  const readout = { target: "parts", reading: "mean", probe: "linear", score: 0.25 };
  const write = (given: string) => {
    mkdirSync(join(cells, "mae-0"), { recursive: true });
    const readouts = [{ ...readout, floor: 0.2 }];
    const result = { plan: { given }, adapter: ADAPTER, readouts, first: readouts };
    writeFileSync(join(cells, "mae-0", "result.json"), JSON.stringify(result));
    writeFileSync(join(cells, "mae-0", "first.safetensors"), "by picture");
  };
  write(sha256);
  expect(recordScores(out, cells)).toBe(1);
  const { encoders } = JSON.parse(readFileSync(join(out, "zoo.json"), "utf8"));
  expect(encoders.map(({ recorded }: { recorded?: object }) => recorded)).toEqual([
    {
      plan: { given: sha256 },
      adapter: "some GPU",
      scores: [readout],
      first: {
        file: "coat-mae-0.first.safetensors",
        sha256: createHash("sha256").update("by picture").digest("hex"),
        scores: [{ ...readout, floor: 0.2 }],
      },
    },
    undefined,
    undefined,
  ]);
  write("0".repeat(64));
  expect(() => recordScores(out, cells)).toThrow(
    /^zoo: .* must be of coat-mae-0\.safetensors; it is of another/,
  );
});

test("another study's encoders take the place of those of before; what was recorded of one that is the same stays", () => {
  const [runs, out] = [join(folder, "next"), join(folder, "zoo")];
  const results = [writeCell(runs, "mae", "mae"), writeCell(runs, "beit", "another beit")];
  const plan = { methods: { mae: {}, beit: {} } };
  writeFileSync(join(runs, "report.json"), JSON.stringify({ plan, results }));
  const { encoders } = collectZoo(runs, out, "partwise study b.yaml");
  expect(encoders.map(({ method, recorded, command }) => [method, recorded?.adapter, command])).toEqual([
    ["mae", "some GPU", "partwise study b.yaml"],
    ["beit", undefined, "partwise study b.yaml"],
  ]);
  expect(JSON.parse(readFileSync(join(out, "zoo.json"), "utf8")).encoders).toEqual(encoders);
  expect(readdirSync(out).sort()).toEqual([
    "coat-beit-0.safetensors",
    "coat-mae-0.first.safetensors",
    "coat-mae-0.safetensors",
    "zoo.json",
  ]);
  expect(readFileSync(join(out, "coat-beit-0.safetensors"), "utf8")).toBe("another beit");
});

test("a study without a trained encoder makes no zoo", () => {
  const [runs, out] = [join(folder, "empty"), join(folder, "none")];
  mkdirSync(runs);
  writeFileSync(join(runs, "report.json"), JSON.stringify({ plan: { methods: {} }, results: [] }));
  expect(() => collectZoo(runs, out, "")).toThrow(/^zoo: .* must hold a trained encoder; it holds none/);
  expect(() => readdirSync(out)).toThrow("ENOENT");
});

test.each(["zoo", "zoo-short"])("the study %s computes what a study needs first, first", async (name) => {
  const cells = cellsOf(await readStudy(`studies/${name}.yaml`));
  expect(cells.filter(({ seed }) => seed === 0).map(({ encoder }) => encoder)).toEqual([
    "pixels",
    "untrained",
    ...["mae", "supervised", "moco-v3", "cae", "ibot", "dino", "beit"],
  ]);
});

test("the zoo of the repository has what its index says, of the model that npm start asks, in at most 10 MB", async () => {
  const { data, model } = await readStudy("quick");
  const { encoders = [] } = data.zoo!;
  expect(encoders.length).toBeGreaterThan(0);
  let bytes = 0;
  for (const given of encoders) {
    const { info } = await openGiven(given, model); // throws where hash, method or shape differ
    expect(info.settings.seed).toBe(given.seed);
    expect(info.settings.totalSteps * info.settings.batchSize).toBe(given.pictures);
    expect(given.recorded?.scores.length).toBeGreaterThan(0);
    bytes += statSync(given.file).size;
    const { first } = given.recorded!;
    if (first) bytes += statSync(first.file).size;
  }
  expect(bytes).toBeLessThanOrEqual(10e6);
});
