import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type PictureRow, type StartReport, sentenceOf, verdictOf } from "../../src/cli/report/data.ts";
import { lossCurve, movingAverage, ticks } from "../../src/cli/report/lossCurve.ts";
import { escapeText, html } from "../../src/cli/report/markup.ts";
import { startPage } from "../../src/cli/report/page.ts";
import { encodePng } from "../../src/cli/report/png.ts";
import { runSettings } from "../../src/train/run.ts";

const report: StartReport = {
  format: "partwise.start.1",
  finished: "2026-05-04T10:20:30.000Z",
  command: "npm start -- --steps 3 --seed 7",
  adapter: {
    description: 'Soft<script>alert("x")</script> & Co',
    vendor: "mesa",
    architecture: "software",
    backend: "Vulkan",
    software: true,
    subgroupSize: 8,
  },
  machine: "Node v20, linux x64, 2 × processor",
  settings: runSettings({
    method: "mae",
    recipe: "paper",
    model: "vit_micro_patch4_32",
    data: { name: "creatures-train", count: 6000, width: 32, height: 32 },
    seed: 7,
    batchSize: 64,
    totalSteps: 3,
  }),
  model: { parameters: 572240, stepBytes: 3 * 2 ** 20, dispatches: 209 },
  data: { name: "creatures", train: 6000, test: 1000, size: 32, classes: ["finch", "heron"] },
  probes: {
    reading: "cls+mean",
    neighbours: 20,
    temperature: 0.07,
    linear: { epochs: 30, batchSize: 76, rate: 6.4, updates: 2340 },
  },
  metrics: [1.5, 1.25, 1].map((loss, step) => ({ step, loss, gradNorm: 1, lr: 1e-3 })),
  results: [
    { contender: "pretrained", probe: "knn", top1: 0.21 },
    { contender: "pretrained", probe: "linear", top1: 0.345 },
    { contender: "untrained", probe: "knn", top1: 0.11 },
    { contender: "untrained", probe: "linear", top1: 0.15 },
    { contender: "pixels", probe: "knn", top1: 0.125 },
  ],
  gains: [
    { probe: "knn", difference: { mean: 0.1, low: 0.06, high: 0.14 } },
    { probe: "linear", difference: { mean: 0.01, low: -0.01, high: 0.03 } },
  ],
  chance: 0.1,
  timing: {
    stages: [
      { name: "drawing", seconds: 4 },
      { name: "training", seconds: 90.25 },
    ],
    totalSeconds: 94.5,
    imagesPerSecond: 212.4,
  },
};

const png = encodePng(2, 1, [255, 0, 0, 0, 0, 255]);
const pictures: PictureRow[] = [{ label: "finch", original: png, masked: png, reconstructed: png }];

describe("the page", () => {
  const page = startPage(report, pictures);
  const text = page
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");

  test("has every section", () => {
    const headings = [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);
    expect(headings).toEqual([
      "Results",
      "Loss",
      "Reconstructions",
      "Settings",
      "Adapter",
      "Time",
      "How to get this again",
    ]);
  });

  test("shows the numbers of the report", () => {
    for (const number of ["21.0 %", "34.5 %", "11.0 %", "15.0 %", "12.5 %", "guessing, 10 %"]) {
      expect(text).toContain(number);
    }
    expect(text).toContain("572,240");
    expect(text).toContain("training 90.3 s");
    expect(text).toContain("212 pictures per second");
    expect(text).toContain("npm start -- --steps 3 --seed 7");
    expect(text).toContain("+10.0 points, 95 % interval +6.0 to +14.0");
    expect(page.match(/<span class="label">software adapter/g)).toHaveLength(2);
  });

  test("says where the pixels themselves stand", () => {
    expect(text).toContain("the pretrained encoder is above the normalised pixels themselves");
    const results = report.results.map((r) => (r.contender === "pixels" ? { ...r, top1: 0.3 } : r));
    expect(startPage({ ...report, results }, pictures)).toContain(
      "is below the normalised pixels themselves",
    );
  });

  test("labels no GPU as software", () => {
    const gpu = startPage({ ...report, adapter: { ...report.adapter, software: false } }, pictures);
    expect(gpu).not.toContain("software adapter");
  });

  test("escapes what comes from outside", () => {
    expect(page).not.toContain("<script");
    expect(page).toContain("Soft&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; Co");
  });

  test("loads nothing: no address but data, no script, no style sheet from elsewhere", () => {
    expect(page).not.toMatch(/https?:|\/\/[a-z]|@import|url\(|<link|<script/i);
    const sources = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, source]) => source!);
    expect(sources).toHaveLength(3);
    for (const source of sources) {
      expect(source).toBe(`data:image/png;base64,${Buffer.from(png).toString("base64")}`);
    }
  });

  test("draws bars to one scale in both probes", () => {
    const widths = [...page.matchAll(/class="fill" style="width:([\d.]+)%"/g)].map(([, width]) =>
      Number(width),
    );
    expect(widths).toHaveLength(5);
    expect(widths[0]! / widths[3]!).toBeCloseTo(0.21 / 0.345, 3);
    expect(Math.max(...widths)).toBeLessThan(100);
  });
});

test("a gain is certain only when its interval leaves out zero", () => {
  expect(verdictOf({ mean: 0.1, low: 0.06, high: 0.14 })).toBe("better");
  expect(verdictOf({ mean: -0.1, low: -0.14, high: -0.06 })).toBe("worse");
  expect(verdictOf({ mean: 0.1, low: 0, high: 0.2 })).toBe("undecided");
  expect(sentenceOf(report.gains[1]!)).toBe(
    "Linear probe: no certain difference between the pretrained and the untrained encoder " +
      "(+1.0 points, 95 % interval −1.0 to +3.0).",
  );
});

test("the template escapes text and keeps markup", () => {
  const inner = html`<b>${"<&>"}</b>`;
  expect(html`<p title="${`"'`}">${[inner, " ", 3]}</p>`.text).toBe(
    '<p title="&quot;&#39;"><b>&lt;&amp;&gt;</b> 3</p>',
  );
  expect(escapeText("a < b")).toBe("a &lt; b");
});

test("the curve runs through every step", () => {
  const svg = lossCurve(report.metrics).text;
  const [each] = [...svg.matchAll(/class="each" d="M([\d. L]+)"/g)].map(([, path]) => path!);
  const drawn = each!.split("L").map((point) => point.trim().split(" ").map(Number));
  expect(drawn).toHaveLength(3);
  expect(drawn[1]![0]! - drawn[0]![0]!).toBeCloseTo(drawn[2]![0]! - drawn[1]![0]!, 0);
  expect(drawn[1]![1]! - drawn[0]![1]!).toBeCloseTo(drawn[2]![1]! - drawn[1]![1]!, 0); // lower loss, lower on the page
  expect(drawn[2]![1]!).toBeGreaterThan(drawn[0]![1]!);
  expect(lossCurve([{ step: 0, loss: 1 }]).text).not.toContain("NaN");
});

test("ticks are round and enclose the values", () => {
  expect(ticks(0, 599, 6)).toEqual([0, 100, 200, 300, 400, 500, 600]);
  const levels = ticks(0.42, 1.93, 5);
  expect(levels.map((level) => Number(level.toFixed(6)))).toEqual([0, 0.5, 1, 1.5, 2]);
});

test("a moving average of a line is the line", () => {
  expect(movingAverage([0, 1, 2, 3, 4], 2)).toEqual([0, 1, 2, 3, 4]);
  expect(movingAverage([0, 3, 0], 1)).toEqual([0, 1, 0]);
});

test("a PNG holds the pixels it was given", () => {
  const file = Buffer.from(encodePng(2, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
  expect(file.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([2, 2]);
  const at = file.indexOf("IDAT");
  const data = inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)));
  expect([...data]).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12]);
  expect(() => encodePng(2, 2, [0])).toThrow("2 x 2 pixels need 12 bytes; got 1");
});
