import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readStudy } from "../../src/cli/study/file.ts";
import { cellPictures, checkFolders } from "../../src/cli/study/pictures.ts";
import { allPieces } from "../../src/cli/study/pieces.ts";
import { studyPage } from "../../src/cli/study/report/page.ts";
import { UsageError } from "../../src/cli/system/errors.ts";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { IGNORED } from "../../src/data/pixelSet.ts";
import { cellPlan, type StudyPlan } from "../../src/study/plan.ts";
import { PIXEL_SCORES, SCORES } from "../../src/study/probes.ts";
import { openDecoder } from "../data/codec.ts";
import { root } from "../repo/files.ts";
import { plan, plantedCells, plantedReport } from "./plantedStudy.ts";
import { grayPng, plainPng } from "./png.ts";
import { withProgram } from "./program.ts";

const folder = mkdtempSync(join(tmpdir(), "partwise-masks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = `
name: toy
model: vit_micro_patch16_32
pictures: 8
seeds: [0]
floorSeeds: [0]
data: { coat: { source: creatures-coat, train: 8, probe: 20, test: 20 } }
methods: { mae: { batch: 4, config: { decoderDepth: 1 } } }
probes: [linear, segmentation]
linearEpochs: 1
first: false
segmentationUpdates: 3
`;

function fileOf(text: string): string {
  const path = join(folder, "study.yaml");
  writeFileSync(path, text);
  return path;
}

describe("the file of a study", () => {
  test("asks about pixels where it says so, and only then does a cell depend on how", async () => {
    const asked = await readStudy(fileOf(GOOD));
    expect([asked.probes, asked.segmentationUpdates]).toEqual([["linear", "segmentation"], 3]);
    const cell = { data: "coat", encoder: "mae", seed: 0 } as const;
    expect(cellPlan(asked, cell)).toMatchObject({
      probes: ["linear", "segmentation"],
      segmentationUpdates: 3,
    });
    const others = await readStudy(fileOf(GOOD.replace("probes: [linear, segmentation]", "")));
    expect(others.probes).not.toContain("segmentation");
    expect(Object.keys(cellPlan(others, cell))).not.toContain("segmentationUpdates");
    const shipped = await readStudy(join(root, "studies/segmentation.yaml"));
    expect(shipped.probes).toContain("segmentation");
  });

  test.each([
    [
      "masks that nobody asks about",
      GOOD.replace(", segmentation", "").replace("test: 20", "test: 20, masksFrom: lip"),
      /data\.coat\.masksFrom: must come with the probe segmentation; got linear\. Add it to probes$/,
    ],
    [
      "a folder of pictures whose pixels nobody has labelled",
      GOOD.replace("creatures-coat", "imagenet"),
      /probes: segmentation needs a set with labelled pixels; got none\. Name .*masksFrom/,
    ],
    ["no update", GOOD.replace("Updates: 3", "Updates: 0"), /segmentationUpdates: /],
    [
      "a folder without a name",
      GOOD.replace("test: 20", 'test: 20, objectMasksFrom: ""'),
      /data\.coat\.objectMasksFrom: /,
    ],
  ])("%s is refused where it stands", async (_, text, where) => {
    const path = fileOf(text);
    const error = await readStudy(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(where);
    expect((error as Error).message.startsWith(`${path}: `)).toBe(true);
  });
});

describe("labelled pixels", () => {
  test("of drawn pictures are those of the objects' pictures, drawn at once or kept", async () => {
    const { data, ...asked } = await readStudy(fileOf(GOOD));
    const set = data.coat!;
    for (const where of [null, join(folder, "pictures"), join(folder, "pictures")]) {
      const { targets, pixels } = await cellPictures(where, set, 32, { pixels: true });
      const whole = creatures({ kind: "creatures-coat", count: 20, size: 32 });
      const [objects, parts] = pixels!;
      expect([objects!.name, parts!.name]).toEqual(["objects", "parts"]);
      const wrong = parts!.probe.pixelLabels.findIndex(
        (label, at) => label !== (whole.partMask[at] === 0 ? IGNORED : whole.partMask[at]! - 1),
      );
      expect([parts!.probe.pixelLabels.length, wrong]).toEqual([whole.partMask.length, -1]);
      expect(Buffer.compare(objects!.test.pixels, targets[0]!.test.pixels)).toBe(0);
      const shown = new Set(objects!.test.pixelLabels.subarray(0, 1024));
      expect(shown).toEqual(new Set([IGNORED, targets[0]!.test.labels[0]]));
    }
    const masks = (probes: StudyPlan["probes"]) =>
      allPieces({ ...asked, data: { coat: { ...set, parts: 3 } }, probes }, 32).map((piece) => piece.masks);
    expect(masks(["linear", "segmentation"])).toEqual([true, true, false, false]); // parts are cut out by their points
    expect(masks(["linear"])).not.toContain(true);
    expect((await cellPictures(null, set, 32)).pixels).toBeUndefined();
  });

  test("of a folder are of parts or of objects; validation has its own, and a broken folder is named at once", async () => {
    const masksFrom = join(folder, "masked");
    const write = (name: string, bytes: Uint8Array) => {
      mkdirSync(dirname(join(masksFrom, name)), { recursive: true });
      writeFileSync(join(masksFrom, name), bytes);
    };
    for (const [split, count] of [
      ["train", 5],
      ["val", 2],
    ] as const) {
      for (let i = 0; i < count; i++) {
        write(`images/${split}/${i}.png`, plainPng(4, 4, [i, split === "val" ? 99 : 0, 0]));
        write(`masks/${split}/${i}.png`, grayPng(4, [0, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0]));
      }
    }
    const set = { source: "creatures-coat", train: 4, probe: 4, test: 4, parts: 0, masksFrom };
    const how = { decoder: openDecoder, pixels: true };
    const { pixels } = await cellPictures(null, set, 4 * 8, how);
    const [objects, parts] = pixels!;
    expect([objects!.test.name, objects!.test.pixelClasses.length]).toEqual(["creatures-coat-test", 20]);
    expect([parts!.probe.count, parts!.test.count, parts!.test.width]).toEqual([4, 2, 32]);
    expect([...parts!.test.pixelLabels.subarray(0, 32)]).toEqual(
      [IGNORED, 0, 0, 1].flatMap((label) => new Array(8).fill(label)),
    );

    const chosen = await cellPictures(null, set, 32, { ...how, validation: true });
    const reds = ({ pixels, count }: { pixels: Uint8Array; count: number }) =>
      Array.from({ length: count }, (_, i) => [pixels[i * 3072]!, pixels[i * 3072 + 1]!]);
    expect(reds(chosen.pixels![1]!.probe)).toEqual([
      [0, 0],
      [2, 0],
      [4, 0],
    ]);
    expect(reds(chosen.pixels![1]!.test)).toEqual([
      [1, 0],
      [3, 0],
    ]);

    const { masksFrom: _, ...bare } = set;
    const swapped = await cellPictures(null, { ...bare, objectMasksFrom: masksFrom }, 32, how);
    expect(swapped.pixels!.map(({ probe }) => probe.pixelClasses.length)).toEqual([2, 10]);

    const study = { ...(await readStudy(fileOf(GOOD))), data: { coat: set } };
    await checkFolders(study, 32, how);
    const absent = { ...study, data: { coat: { ...set, masksFrom: join(folder, "nowhere") } } };
    await expect(checkFolders(absent, 32, how)).rejects.toThrow(/nowhere does not exist/);
  });
});

describe("the tables", () => {
  const asked: StudyPlan = { ...plan, probes: [...plan.probes, "segmentation"], segmentationUpdates: 1000 };
  const report = plantedReport(plantedCells(asked), asked);
  const page = studyPage(report, []);
  const tableOf = (title: string) => {
    const from = page.slice(page.indexOf(`<h4>${title}</h4>`));
    return from.slice(0, from.indexOf("</table>"));
  };
  const plain = (text: string) => text.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

  test.each([
    [
      "Semantic segmentation",
      3 + 3,
      /guessing 5\.0 5\.0 5\.0 .*MoCo v3 tokens of four blocks .* 34\.7 43\.9 75\.9 /,
    ],
    [
      "Part segmentation",
      3 + 9,
      /guessing 20\.0 20\.0 20\.0 .*MAE tokens of four blocks .* 26\.3 35\.0 67\.3 24\.3 32\.9 61\.5 38\.2 48\.7 71\.3 /,
    ],
  ])("%s has ours beside the published figures", (title, columns, figures) => {
    const table = tableOf(title);
    const rows = 1 + 2 + 8;
    expect(table.match(/<th scope="row">/g)).toHaveLength(rows);
    expect(table.match(/<td class="number/g)).toHaveLength(rows * columns);
    expect(plain(table)).toMatch(figures);
    expect(table).not.toContain("‡"); // the official code segments with every patch in its place
    expect(table.match(/\d\d\.\d–\d\d\.\d/g)).toHaveLength(9 * 3); // of all but the pixels, which have one seed
  });

  test("show parts by name and their pixels, and print no number that is none", () => {
    expect(report.tables[0]!.columns.map(({ probe }) => probe)).toEqual([...SCORES, ...SCORES]);
    expect(report.tables[0]!.parts.map(({ probe }) => probe)).toContain("mIoU");
    expect(page).toMatch(/<summary>mIoU<\/summary>[\s\S]*?20 pixels/);
    expect(plain(page)).toContain("segmentation of 1000 updates");
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });
});

describe("partwise study", () => {
  const program = withProgram();

  test("segments objects and parts of a tiny study, and its report has every score", async () => {
    const out = join(program.folder, "study");
    const file = fileOf(GOOD.replace("linear, ", ""));
    const { code, stderr, stdout } = await program.run("study", file, "--out", out, "--jobs", "2");
    expect(code, stderr).toBe(0);
    const lines = readFileSync(join(out, "table.csv"), "utf8").split("\n");
    for (const encoder of ["pixels,pixels", "untrained,blocks", "mae,blocks"]) {
      for (const target of ["objects", "parts"]) {
        const found = lines.filter((line) => line.startsWith(`coat,${encoder},${target},`));
        expect(found.map((line) => line.split(",")[4])).toEqual([...PIXEL_SCORES]);
        for (const line of found) {
          const [score, floor] = [5, 9].map((at) => Number(line.split(",")[at]));
          expect(score, line).toBeGreaterThan(0);
          expect(score, line).toBeLessThan(1);
          expect(floor, line).toBeGreaterThan(0);
        }
      }
    }
    expect(stdout).toContain("| coat, in % | objects mIoU | objects mAcc | objects aAcc | parts mIoU |");
    const { results, tables } = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
    expect(results.map(({ encoder }: { encoder: string }) => encoder)).toEqual([
      "pixels",
      "untrained",
      "mae",
    ]);
    expect(results[2].first).toBeUndefined(); // a single run decides nothing
    expect(tables[0].parts.map(({ probe }: { probe: string }) => probe)).toEqual(["mIoU"]);

    rmSync(join(out, "pictures"), { recursive: true });
    const again = await program.run("study", file, "--out", out);
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/^3 cells, 0 to compute$/m)]);
    expect(existsSync(join(out, "pictures"))).toBe(false); // nobody asks for them
  });
});
