import { Random } from "../../src/engine/random.ts";
import type { Sample } from "../../src/study/sample.ts";

/** What is planted in a sample, as standard deviations around its score. */
export interface Planted {
  /** The true score. */
  score: number;
  seeds: readonly number[];
  pictures: number;
  /** Of what a picture adds, the same for every sample of one `draw` that shares `pictureKey`. */
  overPictures: number;
  /** Of what a run's seed adds to all pictures. */
  overSeeds: number;
  /** Which draw of all the noise. */
  draw: number;
  /** Tells methods apart: another has other runs, on the same pictures. */
  method?: number;
}

/** A sample with one or two items a picture, whose pictures and runs differ by normal numbers. */
export function plantedSample(planted: Planted): Sample {
  const { score, seeds, pictures, overPictures, overSeeds, draw, method = 0 } = planted;
  const items = Array.from({ length: pictures }, (_, i) => 1 + (i % 2));
  const ofPictures = new Random(draw, "test", 1000 + method);
  const byPicture = items.map(() => overPictures * ofPictures.normal());
  const runs = seeds.map((seed): [number, number[]] => {
    const run = overSeeds * new Random(draw, "test", 2000 + 100 * method + seed).normal();
    return [seed, items.map((count, i) => count * (score + byPicture[i]! + run))];
  });
  return { items, seeds: new Map(runs) };
}
