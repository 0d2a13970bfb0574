import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { encodePng } from "../../src/cli/sheets/png.ts";
import { studyPage } from "../../src/cli/study/report/page.ts";
import { writeReport } from "../../src/cli/study/report/write.ts";
import { PROBES } from "../../src/study/probes.ts";
import { PUBLISHED } from "../../src/study/published.ts";
import { plan, plantedCells, plantedReport } from "./plantedStudy.ts";

const cells = plantedCells();
const report = plantedReport(cells);
const GIVEN = {
  ...{ seed: 0, file: "mae.safetensors", sha256: "0".repeat(64), data: "creatures-coat" },
  ...{ pictures: 512, seconds: 3, adapter: "A GPU", command: "partwise study zoo.yaml" },
};
const PNG = encodePng(2, 1, [255, 0, 0, 0, 0, 255]);
const page = studyPage(report, [{ name: "search", cell: "coat/mae-0", file: PNG }]);
const tablesOf = (text: string) =>
  [...text.matchAll(/<table class="scores paper[^"]*">[\s\S]*?<\/table>/g)].map(([found]) => found);
const plain = (text: string) => text.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");

describe("the page of a study", () => {
  test("has every section for every set", () => {
    const headings = [...page.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, heading]) => heading);
    const each = [
      "Objects against parts",
      "Claims",
      "Scores",
      "Part by part",
      "Budget",
      "Loss and signs of collapse",
    ];
    expect(headings).toEqual([...each, "Patch search", ...each]);
  });

  test("prints no number that is none, and loads nothing", () => {
    expect(page).not.toMatch(/NaN|Infinity|undefined|\[object/);
    expect(page).not.toMatch(/https?:|@import|url\(|<link|<script/i);
    expect(page).toContain("A &lt;GPU&gt;");
  });

  test("fills every table: three of the paper's with a row for each encoder, ours beside the published figures", () => {
    const tables = tablesOf(page).slice(0, 3);
    const rows = 1 + 2 + 8;
    for (const [i, columns] of [
      [0, 4 + 2],
      [1, 2 + 4],
      [2, 5 + 4],
    ] as const) {
      expect(tables[i]!.match(/<th scope="row">/g)).toHaveLength(rows);
      expect(tables[i]!.match(/<td class="number/g)).toHaveLength(rows * columns);
    }
    const [objects, retrieval, classification] = tables.map(plain);
    expect(objects).toMatch(/supervised class token · 256 k pictures, [^†]*? 81\.8 81\.8 /);
    expect(retrieval).toContain("50.8 28.4 52.3 36.8"); // MoCo v3: CUB and COCO, encoder and projection
    expect(classification).toContain("‡86.9 ‡92.8 ‡88.0 ‡93.9"); // MAE, not to be expected again
    expect(objects).not.toContain("‡");
    expect(objects!.match(/\d\d\.\d–\d\d\.\d/g)!.length).toBeGreaterThanOrEqual(9 * 4);
  });

  test("marks what has not learned: data2vec, planted below the untrained encoder", () => {
    const [objects] = tablesOf(page);
    const row = objects!.split("<tr").find((text) => text.includes(">data2vec<"))!;
    expect(row.match(/†/g)).toHaveLength(4);
    expect(objects!.split("<tr").find((text) => text.includes(">supervised<"))).not.toContain("†");
  });

  test("leaves out who was measured neither here nor in the paper", () => {
    const cells = plantedCells(plan).filter(({ encoder }) => encoder === "pixels" || encoder === "mae");
    const [objects] = tablesOf(studyPage(plantedReport(cells, plan), []));
    expect(objects).toContain(">supervised<");
    expect(objects).not.toContain(">data2vec<");
  });

  test("draws each comparison with its interval, hollow where it does not count", () => {
    const claims = page.slice(page.indexOf("<h3>Claims"), page.indexOf("<h3>Scores"));
    const answers = report.tables[0]!.verdicts.flatMap((verdict) => verdict.answers);
    expect(claims.match(/<svg class="interval" height="26"/g)).toHaveLength(
      answers.filter(({ found }) => found).length,
    );
    expect(claims.match(/class="(supported|contradicted|undecided)( idle)?"/g)).toHaveLength(answers.length);
    expect(claims.match(/ idle"/g)!.length).toBe(answers.filter(({ p }) => p === null).length);
    for (const { decision } of report.tables[0]!.verdicts) expect(claims).toContain(`badge ${decision}`);
    const [low, mean, high] = /x1="([\d.]+)%" x2="[\d.]+%" y1="13"[^>]*>\s*<circle cx="([\d.]+)%"/
      .exec(claims)!
      .slice(1)
      .concat(/class="range" x1="[\d.]+%" x2="([\d.]+)%"/.exec(claims)![1]!)
      .map(Number) as [number, number, number];
    expect(mean - low).toBeCloseTo(high - mean, 1);
  });

  test("says each comparison's decision by a sign and a word, and where the chance of being first decides", () => {
    const rows = [...page.matchAll(/<li class="(supported|contradicted|undecided)[^"]*">\n(.*)/g)];
    expect(rows.length).toBeGreaterThan(10);
    for (const [, decision, row] of rows) {
      const sign = { supported: "✓", contradicted: "✕", undecided: "?" }[decision!]!;
      expect(row).toContain(`<span class="sign" aria-hidden="true">${sign}</span>`);
      expect(row).toContain(`<span class="unseen">${decision}: </span>`);
    }
    const chance = /<div class="chance">[\s\S]*?<\/div>/.exec(page)![0];
    expect([...chance.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, label]) => label)).toEqual([
      "0",
      ".05 contradicts",
      ".95 supports",
    ]);
  });

  test("has its body in one landmark, and prints no figure or table on two sheets", () => {
    expect(page.match(/<main>/g)).toHaveLength(1);
    expect(page.indexOf("<main>")).toBeLessThan(page.indexOf("<h1>"));
    const print = page.slice(page.indexOf("@media print"));
    expect(print).toMatch(
      /\n\s*figure, table \{ break-inside: avoid; \}\n\s*\.scroll \{ overflow: visible; \}/,
    );
  });

  test("has no empty chart: a scatter for each probe of both targets, a loss of each method", () => {
    const scatters = [...page.matchAll(/<svg class="curve scatter"[\s\S]*?<\/svg>/g)].map(([found]) => found);
    expect(scatters).toHaveLength(2 * 4);
    for (const drawing of scatters)
      expect(drawing.match(/<circle/g)).toHaveLength(drawing.includes("attentive") ? 9 : 10);
    const losses = [...page.matchAll(/<svg class="curve"[^>]*aria-label="Loss from[\s\S]*?<\/svg>/g)].map(
      ([found]) => found,
    );
    expect(losses).toHaveLength(2 * 8);
    for (const drawing of losses) expect(drawing.match(/class="each" d="M[^"]+L/g)).toHaveLength(3);
    expect(page.match(/<b>featureStd<\/b>/g)).toHaveLength(2 * 2);
  });

  test("has parts by name with their shares, and the pictures that lie beside a cell", () => {
    const [{ parts, rows }] = report.tables[0]!.parts as [(typeof report.tables)[0]["parts"][0]];
    expect(parts).toEqual(["wing", "tail", "head"].map((name) => ({ name, items: 20 })));
    const mae = rows.find(({ encoder }) => encoder === "mae")!.shares as number[];
    expect(mae[0]).toBeLessThan(mae[1]!);
    expect(mae[1]).toBeLessThan(mae[2]!);
    expect(page).toContain('alt="Patch search: MAE, seed 0" src="data:image/png;base64,');
  });

  test("says the budget, what was tried, and what computed", () => {
    const tuned = { ...plan, methods: { ...plan.methods, mae: { tuned: 3 } } };
    const text = plain(studyPage(plantedReport(plantedCells(tuned), tuned), []));
    expect(text).toMatch(/MAE 3 256,000 .{1,14} [\d,]+ 0\.07 17\.9 3 /);
    expect(text).toContain("not stated");
    expect(text).toContain("Partwise 0.1.0, Node v20.1.0, Dawn 0.6.2");
    expect(text).toContain("commit 0123456789ab");
  });

  test("says of settings what was asked, and how each set's encoders were trained", () => {
    const few = { ...plan, probes: PROBES.filter((probe) => probe !== "attentive") };
    const clipped = plantedCells(few).map((cell) =>
      cell.data === "shape" && cell.encoder === "mae"
        ? {
            ...cell,
            training: { ...cell.training!, settings: { ...cell.training!.settings, batchSize: 64 } },
          }
        : cell,
    );
    const settings = studyPage(plantedReport(clipped, few), []).split('<h2 id="settings">')[1]!;
    expect(plain(settings)).toContain(
      "on frozen features: k-NN, 20 neighbours by cosine; linear, a classifier of 30 epochs; retrieval, by cosine ",
    );
    expect(settings).not.toContain("attentive");
    const runs = [...settings.matchAll(/<summary>(.*?)<\/summary>/g)].map(([, text]) => plain(text!));
    expect(runs.filter((text) => text.startsWith("MAE"))).toEqual([
      expect.stringMatching(/batch 256 coat $/),
      expect.stringMatching(/batch 64 shape $/),
    ]);
    expect(runs.filter((text) => text.startsWith("DINO"))).toEqual([
      expect.stringMatching(/batch 256 coat, shape $/),
    ]);
  });

  test("says what encoders were held against: themselves, or where one run was not read before, an untrained one", () => {
    const gateOf = (read: (cell: (typeof cells)[0]) => boolean) => {
      const single = plantedCells({ ...plan, seeds: [0] }).map(({ first, ...cell }) => ({
        ...cell,
        ...(first && read(cell) && { first }),
      }));
      const text = plain(studyPage(plantedReport(single, { ...plan, seeds: [0] }), []));
      return [/†: not above (.*?), by more/, /by more than the interval, above (.*?);/].map(
        (pattern) => pattern.exec(text)![1],
      );
    };
    const itself = "itself before its first step";
    const other =
      "an untrained encoder of its shape and seed, where a single run was not read before its first step";
    expect(gateOf(() => true)).toEqual([itself, itself]);
    expect(gateOf(() => false)).toEqual([other, other]);
    expect(gateOf(({ encoder }) => encoder === "mae")).toEqual([
      `${itself}, or ${other}`,
      `${itself}, or ${other}`,
    ]);
  });

  test("says what was tried of what the study trains alone", () => {
    const tuned = { ...plan, methods: { ...plan.methods, mae: { tuned: 3 } } };
    const given = { ...GIVEN, method: "mae" as const };
    const read = plantedCells(tuned).map(({ training, ...cell }) =>
      cell.data === "shape" && cell.encoder === "mae" ? { ...cell, given } : { ...cell, training },
    );
    const page = studyPage(plantedReport(read as typeof cells, tuned), []);
    const [ofCoat, ofShape] = page
      .split('aria-label="Budget"')
      .slice(1)
      .map((text) => {
        const row = text.split("<tr").find((row) => row.includes(">MAE<"))!;
        return plain(row).trim().split(" ").at(-1);
      });
    expect([ofCoat, ofShape]).toEqual(["3", "–"]);
  });
});

describe("what is missing is shown as missing", () => {
  const few = cells.filter(
    ({ data, encoder }) => data === "coat" && encoder !== "cae" && encoder !== "pixels",
  );
  const partial = plantedReport(few);
  const text = studyPage(partial, []);

  test("cells, a method without any, and a set without any", () => {
    expect(plain(text)).toContain(`unfinished ${partial.missing.length} of 56 cells are missing`);
    const row = tablesOf(text)[0]!
      .split("<tr")
      .find((row) => row.includes(">CAE<"))!;
    expect(row.match(/not measured/g)).toHaveLength(4);
    expect(text).not.toContain("set-shape");
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
  });

  test("one seed has no interval and decides nothing", () => {
    const one = studyPage(plantedReport(few.filter(({ seed }) => seed === 0)), []);
    const intervals = one.match(/<span class="found">[^<]/g)!;
    expect(intervals.length).toBeGreaterThan(0);
    expect(one.match(/<span class="found">[^<]*<small>\[[^\]]*\] · (1 seed · |one seed: )/g)).toHaveLength(
      intervals.length,
    );
    expect(page).not.toContain("1 seed");
    expect(plain(tablesOf(one)[0]!)).toContain("one seed");
    expect(one).not.toMatch(/badge (supported|contradicted)|NaN|undefined/);
  });

  test("no cell at all, and cells of before that say less", () => {
    expect(plain(studyPage(plantedReport([]), []))).toContain("No cell is finished yet.");
    const old = few.map(
      ({ adapter: _, versions: __, seconds: ___, finished: ____, first: _____, ...cell }) => ({
        ...cell,
        readouts: cell.readouts.map(({ classes: ______, ...readout }) => readout),
      }),
    );
    const page = studyPage(plantedReport(old), []);
    expect(page).not.toMatch(/NaN|Infinity|undefined|Part by part/);
    expect(plain(page)).toContain("not recorded");
  });
});

test("the published figures are those of the paper, by method", () => {
  const row = (method: "dino" | "ibot" | "beit") => PUBLISHED.map(({ figures }) => figures[method] ?? null);
  expect(row("dino")).toEqual([
    ...[77.3, 77.8, 48.9, 31.7, 51.8, 41.2, 93.2, 95.2, 91.7, 94.5],
    ...[34.5, 43.5, 76.1, 28.9, 36.8, 70.3, 27.8, 36.5, 66.4, 41.0, 51.9, 74.0],
  ]);
  expect(row("ibot")).toEqual([
    ...[79.5, 79.8, 49.3, 31.2, 59.2, 41.5, 93.8, 95.8, 92.1, 95.1],
    ...[38.3, 47.4, 78.1, 32.2, 40.0, 73.4, 30.7, 40.0, 69.7, 44.6, 55.7, 76.6],
  ]);
  expect(row("beit")).toEqual([
    ...[41.8, 51.9, 27.9, null, 35.3, null, 55.4, 86.5, 69.3, 86.5],
    ...[17.8, 23.7, 64.9, 18.6, 25.8, 58.2, 14.8, 21.4, 47.0, 27.2, 36.5, 60.1],
  ]);
});

describe("the files of a report", () => {
  const folder = mkdtempSync(join(tmpdir(), "partwise-report-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("are written of no cell, too", async () => {
    mkdirSync(join(folder, "coat/mae-0"), { recursive: true });
    writeFileSync(join(folder, "coat/mae-0/search.png"), PNG); // beside no result: not shown
    const { tables, missing } = await writeReport(folder, plan, "partwise study x.yaml --out y");
    expect([tables.length, missing.length]).toEqual([0, 56]);
    expect(readFileSync(join(folder, "report.html"), "utf8")).not.toContain("data:image");
    expect(JSON.parse(readFileSync(join(folder, "report.json"), "utf8"))).toMatchObject({
      format: "partwise.study.2",
    });
  });
});
