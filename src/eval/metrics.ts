// What every probe reports: accuracies, the levels a guess reaches, and the spread over seeds or pictures.

import { Random } from "../engine/random.ts";

/** Whether each of `count` samples has its label among its k best classes, 1 or 0 each; see `topKHits`. */
export type Hits = Uint8Array;

/**
 * hit[i] = 1 where fewer than k classes score above labels[i]; equal scores rank by the lower class. scores
 * [count, classes], labels [count] -> [count]. k beyond the classes counts as all of them. Throws on a score that is NaN.
 */
export function topKHits(scores: Float32Array, labels: Int32Array, classes: number, k: number): Hits {
  const nan = scores.findIndex(Number.isNaN);
  if (nan >= 0 || scores.length !== labels.length * classes) {
    throw new Error(
      `topKHits: scores must be ${labels.length} rows of ${classes} numbers; ` +
        `got ${nan >= 0 ? `NaN at ${nan}` : `${scores.length} numbers`}. Did training diverge?`,
    );
  }
  return Uint8Array.from(labels, (label, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes);
    return rankOf(row, label) < k ? 1 : 0;
  });
}

/** Number of classes before `label` when the highest score comes first, equal ones by the lower class. */
export function rankOf(scores: ArrayLike<number>, label: number): number {
  const own = scores[label]!;
  let rank = 0;
  for (let c = 0; c < scores.length; c++) {
    if (scores[c]! > own || (scores[c] === own && c < label)) rank++;
  }
  return rank;
}

/** Their sum / their number; not a number of none. */
export const meanOf = (values: ArrayLike<number>): number => sumOf(values) / values.length;

/** Share of ones. [count] -> a number in [0, 1]. */
export const accuracyOf = (hits: ArrayLike<number>): number => meanOf(hits);

/** Top-1 accuracies that need no features. */
export interface GuessLevels {
  /** Of guessing evenly: 1 / classes. */
  chance: number;
  /** Of always saying the most frequent class of the training set (the lower one of equals). */
  majority: number;
}

/** What guessing reaches on test labels when only the training labels are known. */
export function guessLevels(train: Int32Array, test: Int32Array, classes: number): GuessLevels {
  const counts = new Array<number>(classes).fill(0);
  for (const label of train) counts[label]!++;
  const favourite = counts.indexOf(Math.max(...counts));
  const majority = accuracyOf(test.map((label) => (label === favourite ? 1 : 0)));
  return { chance: 1 / classes, majority };
}

/** A two-sided confidence interval. */
export interface Interval {
  mean: number;
  low: number;
  high: number;
}

/** Mean and sample standard deviation (n - 1) of repeated runs; one run has no deviation, so null. */
export function meanAndStd(values: readonly number[]): { mean: number; std: number | null } {
  if (values.length === 0) throw new Error("meanAndStd: needs at least one value; got none");
  const mean = meanOf(values);
  if (values.length === 1) return { mean, std: null };
  const squares = sumOf(values.map((value) => (value - mean) ** 2));
  return { mean, std: Math.sqrt(squares / (values.length - 1)) };
}

/**
 * Student's interval for the mean over seeds: mean ± t(n - 1) s / √n. For few repeated runs, whose values are taken as
 * normal. Throws for fewer than two values: one run says nothing about the next.
 */
export function studentInterval(values: readonly number[], level = 0.95): Interval {
  const { mean, std } = meanAndStd(values);
  if (std === null) throw new Error("studentInterval: needs at least two values; got 1. Run more seeds");
  const half = (studentQuantile(values.length - 1, level) * std) / Math.sqrt(values.length);
  return { mean, low: mean - half, high: mean + half };
}

/**
 * Percentile bootstrap for a mean over pictures (Efron 1979): `rounds` times draw as many values with replacement, and
 * take the middle `level` of their means. For paired encoders give the differences of their hits. Where a picture has
 * several items, `values` are sums over them and `items` their numbers: the mean is then sum of values / sum of items,
 * drawn by picture. A pure function of the seed.
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  {
    seed,
    items,
    level = 0.95,
    rounds = 2000,
  }: { seed: number; items?: ArrayLike<number>; level?: number; rounds?: number },
): Interval {
  const n = values.length;
  if (n === 0) throw new Error("bootstrapInterval: needs at least one value; got none");
  if (items && items.length !== n) {
    throw new Error(`bootstrapInterval: items must be one number for each value, ${n}; got ${items.length}`);
  }
  checkLevel("bootstrapInterval", level);
  const means = Float64Array.from({ length: rounds }, (_, round) => {
    const random = new Random(seed, "probe", round);
    let total = 0;
    let count = 0;
    for (let i = 0; i < n; i++) {
      const drawn = random.below(n);
      total += values[drawn]!;
      count += items ? items[drawn]! : 1;
    }
    return total / count;
  }).sort();
  const at = (share: number): number => means[Math.round(share * (rounds - 1))]!;
  return {
    mean: sumOf(values) / (items ? sumOf(items) : n),
    low: at((1 - level) / 2),
    high: at((1 + level) / 2),
  };
}

/** t with P(|T| <= t) = level for a whole number of degrees of freedom. */
export function studentQuantile(freedom: number, level: number): number {
  checkLevel("studentQuantile", level);
  return quantileOf((t) => studentWithin(t, freedom), level);
}

/** z with P(|Z| <= z) = level for a normal Z: 1.96 for 95 %. */
export function normalQuantile(level: number): number {
  checkLevel("normalQuantile", level);
  return quantileOf(normalWithin, level);
}

/** Where a rising function from [0, ∞) to [0, 1) reaches a level, by bisection. */
function quantileOf(within: (x: number) => number, level: number): number {
  let low = 0;
  let high = 1;
  while (within(high) < level) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (within(middle) < level) low = middle;
    else high = middle;
  }
  return high;
}

/** P(|Z| <= z) as 2 φ(z) (z + z³ / 3 + z⁵ / 15 + ...), Abramowitz and Stegun 26.2.11; 1 beyond 9, as in float64. */
function normalWithin(z: number): number {
  if (z > 9) return 1;
  let term = z;
  let total = 0;
  for (let k = 1; total + term !== total; k++) {
    total += term;
    term *= z ** 2 / (2 * k + 1);
  }
  return Math.sqrt(2 / Math.PI) * Math.exp(-(z ** 2) / 2) * total;
}

/** P(|T| <= t) as the finite sums of Abramowitz and Stegun 26.7.3 (odd freedom) and 26.7.4 (even). */
function studentWithin(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cosine = Math.cos(angle);
  const isOdd = freedom % 2 === 1;
  let term = isOdd ? cosine : 1;
  let total = 0;
  for (let power = isOdd ? 1 : 0; power <= freedom - 2; power += 2) {
    total += term;
    term *= (cosine ** 2 * (power + 1)) / (power + 2);
  }
  return isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * total) : Math.sin(angle) * total;
}

function checkLevel(where: string, level: number): void {
  if (!(level > 0 && level < 1)) {
    throw new Error(`${where}: level must be between 0 and 1; got ${level}. Is it a percentage?`);
  }
}

function sumOf(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
