/** Scores of one method on one readout, seed by seed and picture by picture, and the arithmetic of comparing them. */
import { meanOf } from "../eval/metrics.ts";

export interface Sample {
  /** How many items each picture has: one, or its crops. [P] */
  items: readonly number[];
  /** By the seed's number: the sum of each picture's scores, [P]. */
  seeds: ReadonlyMap<number, readonly number[]>;
}

/** One sample's scores minus another's of the same pictures, seed by seed; seeds that only one of them has are left out. */
export const minus = (ours: Sample, theirs: Sample): Sample => paired([ours, theirs], ([a, b]) => a! - b!);

/** The mean of several samples of the same pictures, on the seeds that all have. */
export const meanSample = (samples: readonly Sample[]): Sample => paired(samples, meanOf);

/** Scores of the same picture and seed, joined by a linear function. */
function paired(samples: readonly Sample[], join: (scores: readonly number[]) => number): Sample {
  const [first, ...others] = samples;
  if (!first) throw new Error("paired: needs at least one sample; got none");
  const { items } = first;
  for (const other of others) {
    if (samePictures(items, other.items)) continue;
    throw new Error(
      `paired: samples must be of the same pictures; got ${items.length} and ${other.items.length} pictures, ` +
        "or other items in them. Are the cells of one study?",
    );
  }
  const seeds = new Map<number, readonly number[]>();
  for (const seed of first.seeds.keys()) {
    const found = samples.map((sample) => sample.seeds.get(seed));
    if (found.every((sums) => sums !== undefined))
      seeds.set(
        seed,
        items.map((_, i) => join(found.map((sums) => sums[i]!))),
      );
  }
  return { items, seeds };
}

/** Whether two are of the same pictures, as far as their items tell. */
export const samePictures = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((count, i) => count === b[i]);

/** Sums by picture, averaged over the seeds. [P] */
export function overSeeds({ items, seeds }: Sample): number[] {
  const all = [...seeds.values()];
  return items.map((_, i) => meanOf(all.map((sums) => sums[i]!)));
}

/** Sum of scores / number of items. sums, items [P] */
export function scoreOf(sums: readonly number[], items: readonly number[]): number {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  return total(sums) / total(items);
}

/** The score of each seed. */
export function scoresOf({ items, seeds }: Sample): number[] {
  return [...seeds.values()].map((sums) => scoreOf(sums, items));
}
