/**
 * How certain a score or a difference is. Two things could have been others: the pictures that were asked about, which are
 * drawn again, and the seeds of the runs, of which there are too few for that: they go by Student's t.
 */
import { type Interval, meanAndStd, normalQuantile, studentQuantile } from "../eval/metrics.ts";
import type { Resamples } from "./resamples.ts";
import { overSeeds, type Sample, scoresOf } from "./sample.ts";

export interface Estimate {
  mean: number;
  seeds: number;
  /** s / √n of the seeds' scores; null for one seed, which says nothing about others. */
  seedError: number | null;
  /** Standard error over pictures, of scores averaged over the seeds. */
  pictureError: number;
}

/** The mean of a sample and its errors; null where no seed is left. */
export function estimate(sample: Sample, resamples: Resamples): Estimate | null {
  const scores = scoresOf(sample);
  if (scores.length === 0) return null;
  const { mean, std } = meanAndStd(scores);
  const drawn = resamples.scores(overSeeds(sample), sample.items);
  return {
    mean,
    seeds: scores.length,
    seedError: std === null ? null : std / Math.sqrt(scores.length),
    pictureError: meanAndStd([...drawn]).std ?? 0,
  };
}

/** √((t s / √n)² + (z se)²); over pictures alone where there is one seed. */
export function halfWidth({ seeds, seedError, pictureError }: Estimate, level = 0.95): number {
  const overPictures = normalQuantile(level) * pictureError;
  const overRuns = seedError === null ? 0 : studentQuantile(seeds - 1, level) * seedError;
  return Math.hypot(overRuns, overPictures);
}

export function intervalOf(found: Estimate, level = 0.95): Interval {
  const half = halfWidth(found, level);
  return { mean: found.mean, low: found.mean - half, high: found.mean + half };
}

/** Smallest p that is told apart: beyond it float64 has too few digits of the level. */
const LEAST_P = 1e-12;

/** Two-sided: the share 1 - level at which the interval just reaches `value`. Throws where the estimate is not finite. */
export function pValue(found: Estimate, value = 0): number {
  const distance = Math.abs(found.mean - value);
  if (!Number.isFinite(distance + halfWidth(found))) {
    throw new Error(`pValue: the estimate must be finite; got ${JSON.stringify(intervalOf(found))}`);
  }
  const reaches = (p: number) => halfWidth(found, 1 - p) >= distance;
  if (distance === 0) return 1;
  if (!reaches(LEAST_P)) return LEAST_P;
  let [low, high] = [Math.log(LEAST_P), 0];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (reaches(Math.exp(middle))) low = middle;
    else high = middle;
  }
  return Math.exp(low);
}

/** Holm 1979: p values of several questions, made so large that the chance of any false answer is that of one. */
export function holm(pValues: readonly number[]): number[] {
  const rising = [...pValues.keys()].sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let least = 0;
  for (const [rank, i] of rising.entries()) {
    least = Math.min(1, Math.max(least, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = least;
  }
  return adjusted;
}
