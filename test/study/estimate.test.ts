import { describe, expect, test } from "vitest";
import { estimate, halfWidth, holm, intervalOf, pValue } from "../../src/study/estimate.ts";
import { Resamples } from "../../src/study/resamples.ts";
import { meanSample, minus, overSeeds, type Sample, scoresOf } from "../../src/study/sample.ts";
import { type Planted, plantedSample } from "./plantedSample.ts";

const sampleOf = (items: number[], seeds: Record<number, number[]>): Sample => ({
  items,
  seeds: new Map(Object.entries(seeds).map(([seed, sums]) => [Number(seed), sums])),
});

describe("samples", () => {
  const ours = sampleOf([1, 3], { 0: [1, 3], 1: [0, 3], 7: [1, 0] });
  const theirs = sampleOf([1, 3], { 1: [1, 1], 0: [0, 2], 5: [0, 0] });

  test("a score is that of items, and pairs go by the seed's number", () => {
    expect(scoresOf(ours)).toEqual([1, 0.75, 0.25]);
    expect(minus(ours, theirs)).toEqual(sampleOf([1, 3], { 0: [1, 1], 1: [-1, 2] }));
    expect(overSeeds(minus(ours, theirs))).toEqual([0, 1.5]);
    expect(meanSample([ours, theirs])).toEqual(sampleOf([1, 3], { 0: [0.5, 2.5], 1: [0.5, 2] }));
  });

  test("samples of other pictures are refused", () => {
    expect(() => minus(ours, sampleOf([1, 2], { 0: [0, 0] }))).toThrow(/same pictures/);
  });
});

describe("an estimate", () => {
  const resamples = new Resamples(400, { rounds: 4000 });
  const half = 200;
  const items = Array.from({ length: 400 }, () => 1);
  const sums = items.map((_, i) => (i < half ? 1 : 0));

  test("over pictures: the standard error of a share, √(p (1 - p) / n), within the draws' own error", () => {
    const { mean, pictureError, seedError } = estimate(sampleOf(items, { 0: sums }), resamples)!;
    expect([mean, seedError]).toEqual([0.5, null]);
    const exact = Math.sqrt(0.25 / 400);
    expect(Math.abs(pictureError / exact - 1)).toBeLessThan(4 / Math.sqrt(2 * 4000)); // four standard deviations
  });

  test("pictures with several items weigh as many, and are drawn whole", () => {
    const twice = sampleOf(
      items.map(() => 2),
      { 0: sums.map((sum) => 2 * sum) },
    );
    expect(estimate(twice, resamples)).toEqual(estimate(sampleOf(items, { 0: sums }), resamples));
  });

  test("is a function of the seed of the draws", () => {
    const sample = sampleOf(items, { 0: sums });
    const again = (seed: number) => estimate(sample, new Resamples(400, { seed, rounds: 50 }))!.pictureError;
    expect(again(1)).toBe(again(1));
    expect(again(1)).not.toBe(again(2));
  });

  test.each([
    [3, 2.484], // 4.30265 / √3
    [5, 1.2417], // 2.77645 / √5
  ])("over %i seeds alone the half-width is %f standard deviations", (n, factor) => {
    const seeds = Object.fromEntries(
      Array.from({ length: n }, (_, seed) => [seed, items.map(() => 0.1 * seed)]),
    );
    const found = estimate(sampleOf(items, seeds), resamples)!;
    expect(found.pictureError).toBeCloseTo(0, 12);
    const std = 0.1 * Math.sqrt((n * (n + 1)) / 12); // of 0, 0.1, ... (n - 1) / 10
    expect(halfWidth(found) / std).toBeCloseTo(factor, 3);
  });

  test("both errors add as squares, and p is the level that the interval leaves", () => {
    const found = { mean: 0.1, seeds: 3, seedError: 0.01, pictureError: 0.02 };
    expect(halfWidth(found)).toBeCloseTo(Math.hypot(4.302653 * 0.01, 1.959964 * 0.02), 6);
    const { low } = intervalOf(found);
    expect(low).toBeCloseTo(0.1 - halfWidth(found), 12);
    expect(pValue(found, low)).toBeCloseTo(0.05, 8);
    expect(pValue(found, found.mean)).toBe(1);
    expect(pValue({ ...found, seedError: null, seeds: 1 }, 0.1 + 2.5758293 * 0.02)).toBeCloseTo(0.01, 6);
  });

  test("what is not finite has no p", () => {
    const found = { mean: 0.1, seeds: 3, seedError: 0.01, pictureError: 0.02 };
    expect(() => pValue({ ...found, mean: Number.NaN })).toThrow(/^pValue: the estimate must be finite; got/);
    expect(() => pValue({ ...found, pictureError: Number.POSITIVE_INFINITY })).toThrow(/must be finite/);
  });

  test("no seed in common is no estimate", () => {
    expect(estimate(sampleOf(items, {}), resamples)).toBeNull();
  });
});

test("Holm: the smallest p times the number of questions, the next times one less, never falling", () => {
  // A worked example: 0.01 × 4, 0.02 × 3, 0.03 × 2, then 0.04 × 1 raised to the one before.
  const adjusted = holm([0.04, 0.01, 0.03, 0.02]);
  for (const [i, p] of [0.06, 0.04, 0.06, 0.06].entries()) expect(adjusted[i]).toBeCloseTo(p, 12);
  expect(holm([0.5, 0.9])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});

describe("on planted data", () => {
  const DRAWS = 400;
  const PICTURES = 60;
  const resamples = new Resamples(PICTURES, { rounds: 200 });
  const common = { pictures: PICTURES, overPictures: 0.2, overSeeds: 0.03 };

  /** Share of draws in which two methods that differ by `effect` are told apart. */
  function told(effect: number, seeds: readonly number[], noise: Partial<Planted> = {}): number {
    const found = Array.from({ length: DRAWS }, (_, draw) => {
      const planted = { ...common, ...noise, seeds, draw };
      const ours = plantedSample({ ...planted, score: 0.5 + effect, method: 1 });
      const theirs = plantedSample({ ...planted, score: 0.5, method: 2 });
      return pValueBelow(minus(ours, theirs));
    });
    return found.filter(Boolean).length / DRAWS;
  }
  const pValueBelow = (difference: Sample): boolean => {
    const { low, high } = intervalOf(estimate(difference, resamples)!);
    return low > 0 || high < 0;
  };
  /** 5 % and three standard deviations of a share of so many draws. */
  const MOST = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / DRAWS);

  test.each([
    ["three seeds", [0, 1, 2], {}],
    ["five seeds", [0, 1, 2, 3, 4], {}],
    ["three seeds that differ much", [0, 1, 2], { overPictures: 0.01, overSeeds: 0.1 }],
    ["pictures that differ much", [0, 1, 2], { overPictures: 0.5, overSeeds: 0.001 }],
  ])("%s: no effect is found in at most a twentieth of the draws", (_, seeds, noise) => {
    expect(told(0, seeds, noise)).toBeLessThanOrEqual(MOST);
  });

  test("an effect is found", () => {
    expect(told(0.25, [0, 1, 2])).toBeGreaterThan(0.8);
    expect(told(0.25, [0, 1, 2, 3, 4])).toBeGreaterThan(0.95);
  });

  test("three seeds give no false certainty: drawing them again would find what is not there", () => {
    const noise = { overPictures: 0.01, overSeeds: 0.1 };
    const wrong = Array.from({ length: DRAWS }, (_, draw) => {
      const planted = { ...common, ...noise, seeds: [0, 1, 2], draw, score: 0.5 };
      const scores = scoresOf(
        minus(plantedSample({ ...planted, method: 1 }), plantedSample({ ...planted, method: 2 })),
      );
      return scores.every((score) => score > 0) || scores.every((score) => score < 0); // a percentile bootstrap's verdict
    });
    expect(wrong.filter(Boolean).length / DRAWS).toBeGreaterThan(0.2); // a quarter, in the limit
    expect(told(0, [0, 1, 2], noise)).toBeLessThanOrEqual(MOST);
  });
});
