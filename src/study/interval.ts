/**
 * How certain a score, or the difference of two, is where there is one run: an estimate over pictures alone, as `estimate.ts` has
 * it. It does not cover the choice of the run's seed.
 */
import type { Interval } from "../eval/metrics.ts";
import { estimate, intervalOf } from "./estimate.ts";
import type { Readout } from "./readouts.ts";
import { Resamples } from "./resamples.ts";
import { minus, type Sample } from "./sample.ts";

/** A single run; its number is nobody's concern. */
const sampleOf = ({ pictures: { items, sums } }: Pick<Readout, "pictures">): Sample => ({
  items,
  seeds: new Map([[0, sums]]),
});

/** Draws are by the same numbers for all, so that every score of a report is of the same pictures. */
const overPictures = (sample: Sample): Interval =>
  intervalOf(estimate(sample, new Resamples(sample.items.length))!);

/** The 95 % interval of a readout's score. */
export const scoreInterval = (readout: Pick<Readout, "pictures">): Interval =>
  overPictures(sampleOf(readout));

/** How much `ours` is above `theirs` on the same items, paired by picture. */
export const differenceInterval = (
  ours: Pick<Readout, "pictures">,
  theirs: Pick<Readout, "pictures">,
): Interval => overPictures(minus(sampleOf(ours), sampleOf(theirs)));
