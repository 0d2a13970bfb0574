import { expect, test } from "vitest";
import { growthChart } from "../../bench/charts/growth.ts";
import { placeLabels } from "../../bench/charts/labels.ts";
import { logScale } from "../../bench/charts/logScale.ts";
import { rooflineChart } from "../../bench/charts/roofline.ts";
import { summarize } from "../../bench/measure/samples.ts";
import { powerLaw } from "../../bench/measure/slope.ts";

test("a power law is found again, and the best one where points scatter", () => {
  const exact = powerLaw([1, 2, 5].map((x) => ({ x, y: 3 * x ** 1.5 })));
  expect(exact.exponent).toBeCloseTo(1.5, 12);
  expect(exact.factor).toBeCloseTo(3, 12);
  const points = [
    { x: 1, y: 2 },
    { x: 1, y: 8 },
    { x: 10, y: 40 },
  ];
  expect(powerLaw(points).exponent).toBeCloseTo(1, 12); // through (1, 4), the middle of 2 and 8, and (10, 40)
  expect(() => powerLaw([{ x: 2, y: 1 }])).toThrow("powerLaw: needs two different x at least; got 2");
});

test("a logarithmic axis gives equal factors equal steps, and round ticks", () => {
  const axis = logScale(1, 100, 10, 210);
  expect([1, 10, 100].map(axis.at)).toEqual([10, 110, 210]);
  expect(axis.ticks).toEqual([1, 2, 5, 10, 20, 50, 100]);
  expect(logScale(0.03, 300, 0, 1).ticks).toEqual([0.1, 1, 10, 100]);
  expect(() => logScale(0, 1, 0, 1)).toThrow("logScale: the range must be positive and rising; got 0 to 1");
});

test("labels of crowded dots keep apart from each other and inside of the plot", () => {
  const dots = Array.from({ length: 30 }, (_, i) => ({
    x: 96 + (i % 3),
    y: 60 + (i % 5),
    text: String(i + 1),
  }));
  const area = { left: 0, right: 100, top: 0, bottom: 200 };
  const labels = placeLabels(dots, area);
  for (const [i, { x, y }] of labels.entries()) {
    const half = (7 * dots[i]!.text.length) / 2;
    expect(x + half).toBeLessThanOrEqual(area.right);
    expect(y - 6).toBeGreaterThanOrEqual(area.top);
    for (const [j, other] of labels.slice(0, i).entries()) {
      const touching =
        Math.abs(x - other.x) < half + (7 * dots[j]!.text.length) / 2 && Math.abs(y - other.y) < 12;
      expect(touching, `${i + 1} and ${j + 1}`).toBe(false);
    }
  }
});

/** The numbers of an attribute of all elements with a class. */
const numbersOf = (svg: string, kind: string, attribute: string): number[] =>
  [...svg.matchAll(new RegExp(`class="${kind}"[^>]* ${attribute}="([-\\d.]+)"`, "g"))].map((match) =>
    Number(match[1]),
  );

test("a dot of the roofline that reaches it lies upon it, others below", () => {
  const roofline = { gigaflopsPerSecond: 100, gigabytesPerSecond: 10 };
  const points = [
    { name: "copy & add", gigaflopsPerSecond: 1, gigabytesPerSecond: 10, rooflineShare: 1 },
    { name: "product <N, T>", gigaflopsPerSecond: 50, gigabytesPerSecond: 0.5, rooflineShare: 0.5 },
    { name: "at the ridge", gigaflopsPerSecond: 100, gigabytesPerSecond: 10, rooflineShare: 1 },
  ];
  const svg = rooflineChart("Title", "A GPU", [{ name: "base", roofline, points }]);
  const corners = /<polyline class="roof" points="([^"]*)"/
    .exec(svg)![1]!
    .split(" ")
    .map((pair) => pair.split(",").map(Number));
  const [[x0, y0], [x1, y1], [x2, y2]] = corners as [[number, number], [number, number], [number, number]];
  expect(y2).toBe(y1);
  expect(x2).toBeGreaterThan(x1);
  const [xs, ys] = [numbersOf(svg, "dot", "cx"), numbersOf(svg, "dot", "cy")];
  expect(xs).toHaveLength(3);
  const slopeAt = (x: number) => y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
  expect(Math.abs(ys[0]! - slopeAt(xs[0]!))).toBeLessThan(0.5);
  expect(ys[1]).toBeGreaterThan(y1 + 5); // half of the ceiling: lower on the page
  expect(Math.abs(xs[2]! - x1) + Math.abs(ys[2]! - y1)).toBeLessThan(0.5);
  expect(svg).toContain(">copy &amp; add</text>");
  expect(svg).toContain(">product &lt;N, T&gt;</text>");
  expect(svg).toContain("products 100 GFLOP/s, copy 10.0 GB/s");
  expect(svg).not.toMatch(/NaN|undefined/);
});

test("a growth plot holds each median at its place and both exponents", () => {
  const points = [1, 2, 4].map((value) => ({ value, ms: summarize([10 * value ** 2]), flops: value }));
  const svg = growthChart("Title", "A GPU", [{ name: "width", points, exponent: 2, flopsExponent: 1 }]);
  expect(svg).toContain("ms grow as width^2.00");
  expect(svg).toContain("arithmetic, width^1.00");
  const [xs, ys] = [numbersOf(svg, "dot", "cx"), numbersOf(svg, "dot", "cy")];
  expect(xs[1]! - xs[0]!).toBeCloseTo(xs[2]! - xs[1]!, 0);
  expect(ys[0]! - ys[1]!).toBeCloseTo(ys[1]! - ys[2]!, 0);
  const [x1, y1] = [numbersOf(svg, "fit", "x1")[0]!, numbersOf(svg, "fit", "y1")[0]!];
  expect(x1).toBeCloseTo(xs[0]!, 0);
  expect(y1).toBeCloseTo(ys[0]!, 0);
  expect(svg).not.toMatch(/NaN|undefined/);
});
