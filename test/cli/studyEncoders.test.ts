/** Studies of encoders that were trained before. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectZoo, recordScores } from "../../scripts/zooFiles.mjs";
import { readStudy } from "../../src/cli/study/file.ts";
import { readZoo, recordedFirst } from "../../src/cli/study/zooFolder.ts";
import { cellName, cellsOf } from "../../src/study/plan.ts";
import { withProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "partwise-given-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [runs, zoo] = [join(folder, "runs"), join(folder, "zoo")];

const study = (data: string): string => `
name: given
model: vit_micro_patch16_32
pictures: 8
seeds: [0]
floorSeeds: [0]
data: ${data}
methods: { mae: { batch: 4 }, supervised: {} }
probes: [linear]
linearEpochs: 1
`;
const SET = "source: creatures-coat, train: 8, probe: 20, test: 20";
const TRAINED = study(`{ coat: { ${SET}, methods: [mae] } }`);
const READ = study(`{ zoo: { ${SET}, encoders: ${zoo} }, live: { ${SET}, methods: [mae] } }`);

function fileOf(text: string): string {
  const path = join(folder, "study.yaml");
  writeFileSync(path, text);
  return path;
}

describe("partwise study", () => {
  const program = withProgram();
  const out = join(folder, "out");
  const run = (text: string, to: string, ...more: string[]) =>
    program.run("study", fileOf(text), "--out", to, ...more);
  const resultOf = (cell: string) => JSON.parse(readFileSync(join(out, cell, "result.json"), "utf8"));

  beforeAll(async () => {
    for (const only of [
      ["--cell", "2"],
      ["--only", "report"],
    ]) {
      expect((await run(TRAINED, runs, ...only)).code).toBe(0);
    }
    collectZoo(runs, zoo, "partwise study trained.yaml");
  });

  test("reads given encoders instead of training, and computes equal cells once", async () => {
    const { code, stdout } = await run(READ, out);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^live\/pixels-0: as zoo\/pixels-0$/m);
    expect(stdout).toMatch(/^live\/untrained-0: as zoo\/untrained-0$/m);
    expect(stdout).toMatch(/^zoo: No score of these encoders was recorded under this plan/m);
    const [given, trained] = [resultOf("zoo/mae-0"), resultOf("live/mae-0")];
    expect(given).toMatchObject({
      given: { pictures: 8, data: "creatures-coat", method: "mae" },
      encoder: "mae",
    });
    expect(given.plan.given).toBe(given.given.sha256);
    expect(given.training).toBeUndefined();
    expect(trained.training.pictures).toBe(8);
    // The zoo's encoder is this run's in half precision: 20 pictures say the same but for a tie.
    expect(given.readouts).toHaveLength(trained.readouts.length);
    for (const [i, { score }] of given.readouts.entries()) {
      expect(Math.abs(score - trained.readouts[i].score)).toBeLessThanOrEqual(0.1);
    }
    expect(resultOf("live/pixels-0")).toEqual({ ...resultOf("zoo/pixels-0"), data: "live", seconds: 0 });
    const page = readFileSync(join(out, "report.html"), "utf8");
    expect(page.match(/<h3>Encoders trained before<\/h3>/g)).toHaveLength(1);
    expect(page.replace(/base64,[^"]*/g, "")).not.toMatch(/NaN|undefined/);
  });

  test("tells how far scores are from those that were recorded", async () => {
    expect(recordScores(zoo, join(out, "zoo"))).toBe(1);
    const said = async () => {
      const { stdout } = await run(READ, out, "--only", "report");
      return stdout.match(/^zoo: (.*)$/m)![1];
    };
    // Cells keep what zoo.json said when they were computed.
    rmSync(join(out, "zoo/mae-0"), { recursive: true });
    expect((await run(READ, out)).code).toBe(0);
    expect(await said()).toMatch(
      /^Every score was computed here; of 2 that were recorded on .+, none differs\.$/,
    );
    const path = join(out, "zoo/mae-0/result.json");
    const result = JSON.parse(readFileSync(path, "utf8"));
    result.given.recorded.scores[1].score += 0.125;
    writeFileSync(path, JSON.stringify(result));
    expect(await said()).toMatch(/the largest deviation is 12\.5 points \(mae, objects linear by mean\)\.$/);
  });

  test("takes first values from the zoo where the study does not read them, if they are of its plan", async () => {
    const other = join(folder, "recorded");
    expect((await run(`${READ}first: false\n`, other, "--cell", "2")).code).toBe(0);
    const read = resultOf("zoo/mae-0");
    const found = JSON.parse(readFileSync(join(other, "zoo/mae-0/result.json"), "utf8"));
    expect([read.firstRecorded, found.firstRecorded]).toEqual([undefined, true]);
    expect(found.first).toEqual(read.first);
    const outcomes = [out, other].map((to) => readFileSync(join(to, "zoo/mae-0/first.safetensors")));
    expect(outcomes[0]!.equals(outcomes[1]!)).toBe(true);

    const [given] = await readZoo(zoo);
    expect(await recordedFirst(given!, found.plan)).toHaveLength(found.first.length);
    expect(await recordedFirst(given!, { ...found.plan, linearEpochs: 2 })).toBeNull();
    writeFileSync(join(zoo, "coat-mae-0.first.safetensors"), "damaged");
    await expect(recordedFirst(given!, found.plan)).rejects.toThrow(
      /coat-mae-0\.first\.safetensors: must have the SHA-256/,
    );
  });

  test.each([
    [
      "another file",
      "f".repeat(64),
      /mae-0\.safetensors: must have the SHA-256 f{64}, as zoo\.json says; got /,
    ],
    [
      "a hash that is none",
      "xyz",
      /zoo\.json: encoders\.0\.sha256: must be 64 hexadecimal digits\. `npm run zoo`/,
    ],
  ])("refuses %s", async (_, sha256, sentence) => {
    const path = join(zoo, "zoo.json");
    const before = readFileSync(path, "utf8");
    writeFileSync(path, before.replace(/"sha256": "\w+"/, `"sha256": "${sha256}"`));
    const { code, stderr } = await run(READ, join(folder, "refused"), "--cell", "2");
    writeFileSync(path, before);
    expect([code, stderr]).toEqual([2, expect.stringMatching(sentence)]);
  });

  test("refuses an encoder of pictures of another size", async () => {
    const other = READ.replace("vit_micro_patch16_32", "vit_micro_patch16_64");
    const { code, stderr } = await run(other, join(folder, "refused"), "--cell", "2");
    expect(stderr).toMatch(
      /mae-0\.safetensors: must be a vit_micro_patch16_64, as the study's encoders; its imageSize is 32 and not 64/,
    );
    expect(code).toBe(2);
  });

  test.each([
    [
      "methods beside encoders",
      READ.replace(`encoders: ${zoo}`, `encoders: ${zoo}, methods: [mae]`),
      /data\.zoo\.methods: must be absent where encoders are named/,
    ],
    [
      "a method that the study does not have",
      READ.replace("methods: [mae]", "methods: [mae, dino]"),
      /data\.live\.methods: must be among those of the study; got dino\. Add it to methods/,
    ],
    ["a folder that is none", READ.replace(zoo, join(folder, "none")), /none.zoo\.json: .*does not exist/],
  ])("refuses %s", async (_, text, sentence) => {
    await expect(readStudy(fileOf(text))).rejects.toThrow(sentence);
  });
});

test("the presets train on each set what it names", async () => {
  const plan = await readStudy("quick");
  const live = cellsOf(plan).filter(({ data }) => data === "live");
  expect(live.map(cellName)).toEqual(
    ["pixels-0", "untrained-0", "untrained-1", "untrained-2", "supervised-0", "mae-0"].map(
      (c) => `live/${c}`,
    ),
  );
  expect(Object.keys((await readStudy("look")).data)).toEqual(["live"]);
});
