import { inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { encodePng } from "../../src/cli/sheets/png.ts";
import { scaleAround } from "../../src/cli/study/report/drawing/axis.ts";
import { curves, movingAverage } from "../../src/cli/study/report/drawing/curves.ts";
import { escapeText, html } from "../../src/cli/study/report/drawing/markup.ts";
import { placeNames } from "../../src/cli/study/report/drawing/names.ts";
import { scatter } from "../../src/cli/study/report/drawing/scatter.ts";
import { crossingSentence } from "../../src/cli/study/report/words.ts";
import type { Crossing } from "../../src/study/crossing.ts";

describe("the sentence on two single runs", () => {
  const around = (mean: number) => ({ mean, low: mean - 0.05, high: mean + 0.05 });
  const crossing = (objects: number, parts: number, changes: Partial<Crossing> = {}): string =>
    crossingSentence({
      ...{ rival: "mae", probe: "linear", decision: "seen", unlearned: [], unmeasured: [] },
      differences: { objects: around(objects), parts: around(parts) },
      ...changes,
    });

  test("says who is ahead where, and by how much", () => {
    expect(crossing(0.4, -0.3)).toBe(
      "Supervised and MAE by the linear probe: the crossing is seen; at objects supervised is ahead by 40.0 points " +
        "(95 % interval 35.0 to 45.0); at parts MAE is ahead by 30.0 points (95 % interval 25.0 to 35.0).",
    );
  });

  test("says so where who is ahead knows no more than the untrained encoder, and where a difference may be chance", () => {
    expect(crossing(0.4, -0.3, { decision: "undecided", unlearned: ["parts"] })).toMatch(
      /the crossing is undecided; .*; at parts MAE is ahead by .*\), yet not certainly above what it knows untrained\.$/,
    );
    expect(crossing(0.4, 0.01, { decision: "not seen" })).toMatch(
      /at parts neither is certainly ahead \(supervised \+1\.0, 95 % interval −4\.0 to \+6\.0\)\.$/,
    );
  });
});

test("the drawing puts points to scale, with their intervals", () => {
  const at = (mean: number) => ({ mean, low: mean - 0.05, high: mean + 0.05 });
  const svg = scatter(
    [
      { name: "a", series: "series-labels", x: at(0.2), y: at(0.6) },
      { name: "b", series: "series-masks", x: at(0.4), y: at(0.5) },
      { name: "c", series: "series-floor", x: at(0.6), y: at(0.4) },
    ],
    { x: { label: "species", floor: 0.05 }, y: { label: "parts", floor: 0.2 } },
  ).text;
  const points = [...svg.matchAll(/circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  const [a, b, c] = points as [number[], number[], number[]];
  expect(b[0]! - a[0]!).toBeCloseTo(c[0]! - b[0]!, 0);
  expect(a[1]).toBeLessThan(b[1]!); // higher share, higher on the page
  expect(b[1]! - a[1]!).toBeCloseTo(c[1]! - b[1]!, 0);
  expect(svg.match(/class="error"/g)).toHaveLength(3);
  expect(svg).toContain('aria-label="species and parts: a 20.0 % and 60.0 %');
});

test("the template escapes text and keeps markup", () => {
  const inner = html`<b>${"<&>"}</b>`;
  expect(html`<p title="${`"'`}">${[inner, " ", 3]}</p>`.text).toBe(
    '<p title="&quot;&#39;"><b>&lt;&amp;&gt;</b> 3</p>',
  );
  expect(escapeText("a < b")).toBe("a &lt; b");
});

test("the curve runs through every step", () => {
  const svg = curves([[1.5, 1.25, 1].map((value, step) => ({ step: step + 1, value }))], "Loss").text;
  const [each] = [...svg.matchAll(/class="each" d="M([\d.,L]+)"/g)].map(([, path]) => path!);
  const drawn = each!.split("L").map((point) => point.split(",").map(Number));
  expect(drawn).toHaveLength(3);
  expect(drawn[1]![0]! - drawn[0]![0]!).toBeCloseTo(drawn[2]![0]! - drawn[1]![0]!, 0);
  expect(drawn[1]![1]! - drawn[0]![1]!).toBeCloseTo(drawn[2]![1]! - drawn[1]![1]!, 0); // lower loss, lower on the page
  expect(drawn[2]![1]!).toBeGreaterThan(drawn[0]![1]!);
  expect(svg).toContain('aria-label="Loss from 1.5 to 1 in 3 steps"');
});

test("a curve has a gap where there is no number, a bold line for all runs, and is drawn of one point and of none", () => {
  const run = (values: number[]) => values.map((value, step) => ({ step: step + 1, value }));
  const svg = curves([run([3, Number.NaN, 1]), run([5, 4, 3])], "Loss").text;
  const paths = [...svg.matchAll(/class="(each|smooth)" d="([^"]*)"/g)];
  expect(paths.map(([, kind]) => kind)).toEqual(["each", "each", "smooth"]);
  expect(paths[0]![2]!.match(/M/g)).toHaveLength(2);
  for (const text of [svg, curves([run([1])], "Loss").text, curves([], "Loss").text]) {
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  }
});

test("axes have round marks around the values", () => {
  expect(scaleAround([0, 599], [0, 1], 6).ticks(6)).toEqual([0, 100, 200, 300, 400, 500, 600]);
  expect(scaleAround([0.42, Number.NaN, 1.93], [0, 1], 5).ticks(5)).toEqual([0, 0.5, 1, 1.5, 2]);
  expect(scaleAround([3, 3], [0, 1], 5)(3)).toBeCloseTo(0.5, 1);
});

test("names of points cover neither each other nor the points, where there is room", () => {
  const frame = { left: 0, right: 520, top: 0, bottom: 400 };
  const points = [
    { name: "raw pixels", x: 200, y: 200 },
    { name: "MoCo v3", x: 210, y: 206 },
    { name: "untrained", x: 505, y: 200 },
    { name: "DINO", x: 195, y: 214 },
  ];
  const placed = placeNames(points, frame);
  expect(placed.map(({ anchor }) => anchor)[2]).toBe("end"); // no room on the right
  const boxes = placed.map(({ x, y, anchor }, i) => {
    const width = points[i]!.name.length * 8;
    const left = x - { start: 0, middle: width / 2, end: width }[anchor];
    return { left, right: left + width, top: y - 12, bottom: y };
  });
  const meet = (a: (typeof boxes)[0], b: (typeof boxes)[0]) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  expect(boxes.flatMap((a, i) => boxes.slice(i + 1).map((b) => meet(a, b)))).not.toContain(true);
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
