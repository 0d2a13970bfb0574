/**
 * The probability that a method is first in mean rank over all readouts, if pictures and seeds had been others. Pictures are
 * drawn again, the same ones for all methods; what seeds add is drawn from a multivariate t with the covariance of the few
 * runs there are (rows of g over the runs' deviations, over a χ), so that runs of one number move together.
 * Segmentation, which not every study asks, ranks nobody.
 */
import { Random } from "../engine/random.ts";
import { meanOf } from "../eval/metrics.ts";
import type { MethodName } from "../models/methods.ts";
import { SELF_SUPERVISED } from "./claims.ts";
import { PROBES, readingOf } from "./probes.ts";
import { overSeeds, type Sample, scoresOf } from "./sample.ts";
import { NO_FLOOR, NO_SPREAD, NOT_TRAINED, type Question, type SetResults } from "./setResults.ts";
import { TARGETS } from "./targets.ts";

export interface First {
  /** Null where it cannot be told. */
  probability: number | null;
  /** What methods are ranked on: all that one of them was asked. */
  readouts: readonly Pick<Question, "target" | "probe">[];
  /** Rivals that are left out, since on some readout they are not above themselves untrained. */
  idle: MethodName[];
  why: string;
}

const READOUTS = TARGETS.flatMap((target) => PROBES.map((probe) => ({ target, probe })));
/** Of the draws of what seeds add: pictures are drawn by their target's number, and nothing else may move with them. */
export const RUNS_SEED = TARGETS.length;

/** Whether `method` is first among the self-supervised methods on the readouts that all of them have. */
export function firstInMeanRank(results: SetResults, method: MethodName): First {
  const readouts = READOUTS.filter((readout) =>
    SELF_SUPERVISED.some((name) => results.sample(name, own(name, readout))),
  );
  const measured = SELF_SUPERVISED.filter(
    (name) => readouts.length > 0 && readouts.every((readout) => results.sample(name, own(name, readout))),
  );
  const untold = (why: string, idle: MethodName[] = []): First => ({
    probability: null,
    readouts,
    idle,
    why,
  });
  if (measured.length < SELF_SUPERVISED.length) {
    return untold(`${measured.length} of ${SELF_SUPERVISED.length} methods are measured`);
  }
  const gates = measured.map((name) => readouts.map((readout) => results.beatsUntrained(name, readout)));
  if (gates.flat().includes(null)) return untold(NO_FLOOR);
  const idle = measured.filter((_, m) => gates[m]!.includes(false));
  const why = idle.length > 0 ? `; ${NOT_TRAINED}: ${idle.join(", ")}` : "";
  const ranked = measured.filter((name) => !idle.includes(name));
  if (idle.includes(method) || ranked.length < 2) return untold(why.slice(2), idle);
  const samples = sharedSeeds(
    ranked.map((name) => readouts.map((readout) => results.sample(name, own(name, readout))!)),
  );
  if (samples[0]![0]!.seeds.size < 2) return untold(NO_SPREAD, idle);
  const drawn = samples.map((row) =>
    row.map((sample, r) => {
      const resamples = results.resamples(readouts[r]!.target, sample);
      return resamples.scores(overSeeds(sample), sample.items);
    }),
  );
  const probability = shareFirst(samples, drawn, ranked.indexOf(method));
  return { probability, readouts, idle, why: `P(first) ${probability.toFixed(3)}, 0.95 supports${why}` };
}

const own = (name: MethodName, readout: (typeof READOUTS)[number]) => ({
  ...readout,
  reading: readingOf(name, readout.probe),
});

/** Samples [method][readout] with the seeds that all of them have. */
function sharedSeeds(samples: readonly (readonly Sample[])[]): Sample[][] {
  const shared = [...samples[0]![0]!.seeds.keys()].filter((seed) =>
    samples.flat().every(({ seeds }) => seeds.has(seed)),
  );
  return samples.map((row) =>
    row.map(({ items, seeds }) => ({
      items,
      seeds: new Map(shared.map((seed) => [seed, seeds.get(seed)!])),
    })),
  );
}

/**
 * Share of the draws in which method number `at` is alone in having the lowest mean rank. `samples` [method][readout] have the same
 * seeds, two or more; `drawn` [method][readout][rounds] are their scores on pictures drawn again.
 */
export function shareFirst(
  samples: readonly (readonly Sample[])[],
  drawn: readonly (readonly Float64Array[])[],
  at: number,
): number {
  const n = samples[0]![0]!.seeds.size;
  const rounds = drawn[0]![0]!.length;
  const deviations = samples.map((row) =>
    row.map((sample) => {
      const scores = scoresOf(sample);
      const mean = meanOf(scores);
      return scores.map((score) => score - mean);
    }),
  );
  let first = 0;
  for (let round = 0; round < rounds; round++) {
    const random = new Random(RUNS_SEED, "probe", round);
    const g = Array.from({ length: n }, () => random.normal());
    const chi = Math.hypot(...Array.from({ length: n - 1 }, () => random.normal()));
    const scale = 1 / (Math.sqrt(n) * chi); // of deviations whose squares add up to (n - 1) s²: t s / √n
    const scores = drawn.map((row, m) =>
      row.map((values, r) => {
        const added = deviations[m]![r]!.reduce((sum, deviation, i) => sum + deviation * g[i]!, 0);
        return values[round]! + scale * added;
      }),
    );
    const ranks = meanRanks(scores);
    if (ranks.every((rank, m) => m === at || rank > ranks[at]!)) first++;
  }
  return first / rounds;
}

/** The mean over readouts of each method's rank, 1 the highest score; equal ones share theirs. scores [method][readout] */
export const meanRanks = (scores: readonly (readonly number[])[]): number[] =>
  scores.map((row) => {
    const ranks = row.map((score, r) => {
      const above = scores.filter((other) => other[r]! > score).length;
      const level = scores.filter((other) => other[r] === score).length;
      return above + (level + 1) / 2;
    });
    return meanOf(ranks);
  });
