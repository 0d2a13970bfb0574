/** The cells of one set, as samples of scores by encoder and readout. */
import type { MethodName } from "../models/methods.ts";
import type { CellResult } from "./cell.ts";
import { type Estimate, estimate, intervalOf } from "./estimate.ts";
import { type Cell, cellName, isValidation } from "./plan.ts";
import { readingOf } from "./probes.ts";
import type { Readout } from "./readouts.ts";
import { type ResampleOptions, Resamples } from "./resamples.ts";
import { minus, type Sample, samePictures } from "./sample.ts";
import { TARGETS, type TargetName } from "./targets.ts";

/** What a cell found, without how. */
export type ScoredCell = Cell & Pick<CellResult, "readouts" | "first">;

/** What is asked, and of which features: `k-NN` on `objects` by `cls`. */
export type Question = Pick<Readout, "target" | "probe" | "reading">;

/** Which state of an encoder is asked about. */
type When = "readouts" | "first";

/** Why a method that fails the gate does not count, and why the gate cannot be asked. */
export const NOT_TRAINED = "not trained enough";
export const NO_FLOOR = "first values not measured";
/** Why single runs decide nothing. */
export const NO_SPREAD = "one seed: no interval over runs";

export class SetResults {
  readonly #cells: readonly ScoredCell[];
  /** By target and number of pictures: samples that are compared have the same ones. */
  readonly #resamples = new Map<string, Resamples>();

  readonly #rounds: Pick<ResampleOptions, "rounds">;
  readonly #gates = new Map<string, boolean | null>();

  constructor(cells: readonly ScoredCell[], rounds: Pick<ResampleOptions, "rounds"> = {}) {
    this.#cells = cells;
    this.#rounds = rounds;
  }

  /** What the runs of an encoder scored; null where there is none. `validation` takes those that choose. */
  sample(encoder: Cell["encoder"], question: Question, validation = false): Sample | null {
    return this.#sample(encoder, question, "readouts", validation);
  }

  #sample(encoder: Cell["encoder"], question: Question, when: When, validation: boolean): Sample | null {
    const { target, probe, reading } = question;
    const seeds = new Map<number, readonly number[]>();
    let items: readonly number[] | null = null;
    for (const cell of this.#cells) {
      const { encoder: of, seed, [when]: readouts = [] } = cell;
      if (of !== encoder || isValidation(seed) !== validation) continue;
      const found = readouts.find((r) => r.target === target && r.probe === probe && r.reading === reading);
      if (!found) continue;
      const { pictures } = found;
      items ??= pictures.items;
      if (!samePictures(items, pictures.items)) {
        throw new Error(
          `${cellName(cell)}: must be of the pictures of ${encoder}'s other seeds; got other items on ${target}. ` +
            "Remove its folder to compute it again",
        );
      }
      seeds.set(seed, pictures.sums);
    }
    return items && { items, seeds };
  }

  /** Of a sample of scores on a target, or of the difference of two. */
  estimate(target: TargetName, sample: Sample): Estimate | null {
    return estimate(sample, this.resamples(target, sample));
  }

  resamples(target: TargetName, { items }: Sample): Resamples {
    const key = `${target} ${items.length}`;
    const found =
      this.#resamples.get(key) ??
      new Resamples(items.length, { ...this.#rounds, seed: TARGETS.indexOf(target) });
    this.#resamples.set(key, found);
    return found;
  }

  /**
   * The gate: whether the runs of a method are above themselves before their first step, on the method's own reading, by more
   * than the 95 % interval. A single run, which decides nothing, may be held against the untrained encoder of its number
   * instead. Null where neither was measured.
   */
  beatsUntrained(method: MethodName, question: Omit<Question, "reading">): boolean | null {
    const asked = { ...question, reading: readingOf(method, question.probe) };
    const key = [method, ...Object.values(asked)].join(" ");
    const known = this.#gates.get(key);
    if (known !== undefined) return known;
    const trained = this.sample(method, asked);
    const first = this.#sample(method, asked, "first", false);
    const before = first ?? (trained?.seeds.size === 1 ? this.sample("untrained", asked) : null);
    const found = trained && before && this.estimate(question.target, minus(trained, before));
    const beats = found ? intervalOf(found).low > 0 : null;
    this.#gates.set(key, beats);
    return beats;
  }
}
