import { describe, expect, test } from "vitest";
import { bootstrapInterval } from "../../src/eval/metrics.ts";
import { differenceInterval, scoreInterval } from "../../src/study/interval.ts";
import type { Readout } from "../../src/study/readouts.ts";

const readout = (items: number[], sums: number[]): Readout => {
  const total = sums.reduce((all, sum) => all + sum, 0);
  const score = total / items.reduce((all, count) => all + count, 0);
  return { target: "parts", reading: "cls", probe: "linear", score, floor: 0.2, pictures: { items, sums } };
};

describe("an interval by picture", () => {
  const items = Array.from({ length: 200 }, (_, i) => 1 + (i % 5));

  test("has the score in its middle, and is wider than one that took crops of a picture for independent", () => {
    const sums = items.map((count, i) => (i % 2 === 0 ? count : 0)); // all crops of a picture are right, or none is
    const found = readout(items, sums);
    const { mean, low, high } = scoreInterval(found);
    expect(mean).toBeCloseTo(found.score, 12);
    const crops = items.flatMap((count, i) => Array.from({ length: count }, () => (i % 2 === 0 ? 1 : 0)));
    const naive = bootstrapInterval(crops, { seed: 0 });
    // Variance of a ratio of sums, by pictures: Σ (sum - mean items)² / (Σ items)².
    const squares = sums.reduce((all, sum, i) => all + (sum - mean * items[i]!) ** 2, 0);
    const half = (1.96 * Math.sqrt(squares)) / crops.length;
    expect((high - low) / 2 / half).toBeGreaterThan(0.92);
    expect((high - low) / 2 / half).toBeLessThan(1.08);
    expect(high - low).toBeGreaterThan(1.5 * (naive.high - naive.low));
  });

  test("of a difference is paired: what two encoders have in common does not count", () => {
    const theirs = items.map((count, i) => (i % 2 === 0 ? count : 0));
    const ours = theirs.map((sum, i) => (i === 1 ? items[1]! : sum));
    const { mean, low, high } = differenceInterval(readout(items, ours), readout(items, theirs));
    expect(mean).toBeCloseTo(items[1]! / 600, 12);
    expect(low).toBeCloseTo(2 * mean - high, 12);
    expect(high).toBeLessThan(0.015);
    expect(differenceInterval(readout(items, ours), readout(items, ours))).toEqual({
      mean: 0,
      low: 0,
      high: 0,
    });
  });

  test("refuses readouts of different items", () => {
    expect(() => differenceInterval(readout([1, 2], [1, 1]), readout([2, 1], [1, 1]))).toThrow(
      "of the same pictures",
    );
  });
});
