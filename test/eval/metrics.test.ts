import { describe, expect, test } from "vitest";
import { Random } from "../../src/engine/random.ts";
import {
  accuracyOf,
  bootstrapInterval,
  guessLevels,
  meanAndStd,
  normalQuantile,
  studentInterval,
  studentQuantile,
  topKHits,
} from "../../src/eval/metrics.ts";
import { testRandom } from "../array64.ts";

describe("accuracy", () => {
  const scores = Float32Array.of(0.1, 0.7, 0.2, 0.5, 0.5, 0.5, -3, -1, -2);

  test("counts the classes above the label's, equal ones by the lower class", () => {
    expect([...topKHits(scores, Int32Array.of(1, 0, 0), 3, 1)]).toEqual([1, 1, 0]);
    expect([...topKHits(scores, Int32Array.of(2, 1, 2), 3, 1)]).toEqual([0, 0, 0]);
    expect([...topKHits(scores, Int32Array.of(2, 1, 2), 3, 2)]).toEqual([1, 1, 1]);
    expect([...topKHits(scores, Int32Array.of(0, 2, 0), 3, 5)]).toEqual([1, 1, 1]);
    expect(accuracyOf([1, 0, 0, 1])).toBe(0.5);
  });

  test("a NaN is no score", () => {
    expect(() => topKHits(Float32Array.of(0, Number.NaN), Int32Array.of(1), 2, 1)).toThrow(/NaN at 1/);
    expect(() => topKHits(Float32Array.of(0, 1, 2), Int32Array.of(1), 2, 1)).toThrow(/got 3 numbers/);
  });

  test("guessing: evenly, and always the most frequent training class", () => {
    const levels = guessLevels(Int32Array.of(2, 2, 1, 1, 0), Int32Array.of(1, 1, 1, 2), 4);
    expect(levels).toEqual({ chance: 0.25, majority: 0.75 });
  });
});

describe("spread", () => {
  test("mean and sample standard deviation", () => {
    expect(meanAndStd([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, std: Math.sqrt(32 / 7) });
    expect(meanAndStd([3])).toEqual({ mean: 3, std: null });
    expect(() => meanAndStd([])).toThrow(/at least one/);
  });

  test("Student's quantiles are those of the tables", () => {
    // Two-sided 95 % and 99 %, as printed in any table of the t distribution.
    const table = [
      [1, 12.7062, 63.6567],
      [2, 4.30265, 9.92484],
      [3, 3.18245, 5.84091],
      [4, 2.77645, 4.60409],
      [9, 2.26216, 3.24984],
      [10, 2.22814, 3.16927],
      [30, 2.04227, 2.75],
    ] as const;
    for (const [freedom, t95, t99] of table) {
      expect(studentQuantile(freedom, 0.95) / t95).toBeCloseTo(1, 5);
      expect(studentQuantile(freedom, 0.99) / t99).toBeCloseTo(1, 5);
    }
  });

  test("the normal's quantiles are those of the tables, and what Student's come near", () => {
    const table = [
      [0.5, 0.6744898],
      [0.9, 1.6448536],
      [0.95, 1.959964],
      [0.99, 2.5758293],
      [0.999, 3.2905267],
    ] as const;
    for (const [level, z] of table) expect(normalQuantile(level)).toBeCloseTo(z, 6);
    expect(studentQuantile(10_001, 0.95)).toBeCloseTo(normalQuantile(0.95), 3);
    expect(normalQuantile(1 - 1e-12)).toBeCloseTo(7.1305, 3);
  });

  test("Student's interval: mean ± t s / √n", () => {
    const { mean, low, high } = studentInterval([0.6, 0.62, 0.64]);
    expect(mean).toBeCloseTo(0.62, 12);
    expect(high - mean).toBeCloseTo((4.302653 * 0.02) / Math.sqrt(3), 7);
    expect(mean - low).toBeCloseTo(high - mean, 12);
    expect(() => studentInterval([0.6])).toThrow(/Run more seeds/);
    expect(() => studentInterval([0.6, 0.7], 95)).toThrow(/percentage/);
  });

  test("the bootstrap takes the 2.5 % and 97.5 % of 2,000 means, drawn by round", () => {
    const next = testRandom(4);
    const values = Array.from({ length: 50 }, next);
    const means = Array.from({ length: 2000 }, (_, round) => {
      const random = new Random(9, "probe", round);
      return values.reduce((sum) => sum + values[random.below(50)]!, 0) / 50;
    }).sort((a, b) => a - b);
    const { low, high } = bootstrapInterval(values, { seed: 9 });
    expect([low, high]).toEqual([means[50], means[1949]]); // 0.025 * 1999 = 49.975
  });

  test("the bootstrap is near the normal interval, and the same for a seed", () => {
    const next = testRandom(3);
    const hits = Array.from({ length: 400 }, () => (next() < 0.7 ? 1 : 0));
    const found = bootstrapInterval(hits, { seed: 5 });
    const half = 1.96 * Math.sqrt((found.mean * (1 - found.mean)) / 400);
    expect(found.mean).toBe(accuracyOf(hits));
    expect(Math.abs(found.low - (found.mean - half))).toBeLessThan(0.01);
    expect(Math.abs(found.high - (found.mean + half))).toBeLessThan(0.01);
    expect(bootstrapInterval(hits, { seed: 5 })).toEqual(found);
    expect(bootstrapInterval([1, 1, 1], { seed: 5, rounds: 50 })).toEqual({ mean: 1, low: 1, high: 1 });
  });
});
