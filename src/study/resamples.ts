/**
 * Pictures drawn again (Efron 1979): so many times as many pictures as there are, with replacement. Drawn once for all
 * comparisons on a target, so that every difference is of the same pictures; a pure function of the seed.
 */
import { Random } from "../engine/random.ts";

export interface ResampleOptions {
  seed?: number;
  /** Draws; a standard error from 1,000 is within 2 % of that from any number (one standard deviation). */
  rounds?: number;
}

export class Resamples {
  readonly pictures: number;
  readonly rounds: number;
  /** [rounds, pictures]: how often each picture was drawn. */
  readonly #counts: Uint16Array;

  constructor(pictures: number, { seed = 0, rounds = 1000 }: ResampleOptions = {}) {
    this.pictures = pictures;
    this.rounds = rounds;
    this.#counts = new Uint16Array(rounds * pictures);
    for (let round = 0; round < rounds; round++) {
      const random = new Random(seed, "probe", round);
      for (let i = 0; i < pictures; i++) this.#counts[round * pictures + random.below(pictures)]!++;
    }
  }

  /** The score of every draw: sum of its pictures' scores / number of their items. sums, items [P] -> [rounds] */
  scores(sums: readonly number[], items: readonly number[]): Float64Array {
    const { pictures } = this;
    return Float64Array.from({ length: this.rounds }, (_, round) => {
      let [total, count] = [0, 0];
      for (let i = 0; i < pictures; i++) {
        const drawn = this.#counts[round * pictures + i]!;
        total += drawn * sums[i]!;
        count += drawn * items[i]!;
      }
      return total / count;
    });
  }
}
