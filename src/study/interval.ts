/** How certain a score, or the difference of two, is: 95 % intervals by drawing the test pictures again, never their crops. */
import { bootstrapInterval, type Interval } from "../eval/metrics.ts";
import type { Readout } from "./readouts.ts";

/** One seed for all, so that every score of a report is drawn from the same pictures. */
const SEED = 0;

/** The interval of a readout's score. It does not cover the choice of the run's seed. */
export const scoreInterval = ({ pictures: { items, sums } }: Pick<Readout, "pictures">): Interval =>
  bootstrapInterval(sums, { seed: SEED, items });

/** How much `ours` is above `theirs` on the same items, paired by picture. */
export function differenceInterval(ours: Readout, theirs: Readout): Interval {
  const { items, sums } = ours.pictures;
  const others = theirs.pictures;
  if (items.length !== others.items.length || items.some((count, i) => count !== others.items[i])) {
    throw new Error(
      "differenceInterval: both readouts must be of the same items; " +
        `got ${ours.target} of ${items.length} pictures and ${theirs.target} of ${others.items.length}`,
    );
  }
  return bootstrapInterval(
    sums.map((sum, i) => sum - others.sums[i]!),
    { seed: SEED, items },
  );
}
