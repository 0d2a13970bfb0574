import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { collectZoo } from "../../scripts/zooFiles.mjs";
import { readStudy } from "../../src/cli/studyFile.ts";
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
    format: "partwise.zoo.1",
    encoders,
  });
  expect(readdirSync(out).sort()).toEqual([...encoders.map(({ file }) => file), "zoo.json"].sort());
});

test("a study without a trained encoder makes no zoo", () => {
  const [runs, out] = [join(folder, "empty"), join(folder, "none")];
  mkdirSync(runs);
  writeFileSync(join(runs, "report.json"), JSON.stringify({ plan: { methods: {} }, results: [] }));
  expect(() => collectZoo(runs, out, "")).toThrow(/^zoo: .* must hold a trained encoder; it holds none/);
  expect(() => readdirSync(out)).toThrow("ENOENT");
});

test("the study of the zoo computes what a study needs first, first", async () => {
  const cells = cellsOf(await readStudy("studies/zoo.yaml"));
  expect(cells.filter(({ seed }) => seed === 0).map(({ encoder }) => encoder)).toEqual([
    "pixels",
    "untrained",
    ...["mae", "supervised", "moco-v3", "cae", "ibot", "dino", "beit"],
  ]);
});
