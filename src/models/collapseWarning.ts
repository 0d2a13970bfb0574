// What the signs of collapse.ts say: whether a network has come to give every picture the same answer.

import type { MetricRow } from "../engine/step/metricRing.ts";

/** Steps that are looked at: of fewer nothing is said, since at first all pictures look alike to a network. */
export const COLLAPSE_WINDOW = 50;
/** Share of what `featureStd` has for features that point everywhere. */
const LEAST_SPREAD = 0.02;
/** Nats that a teacher's answers tell of the pictures, at least. */
const LEAST_INFORMATION = 0.01;

/**
 * One line where the latest rows of a run show that it has collapsed, null where they do not or hold no signs. Rows in the
 * order of their steps; the means over the last `COLLAPSE_WINDOW` of them count. The answers of a teacher tell the entropy of
 * their mean less the mean of their entropies: nothing when it is sure of one prototype for all pictures, or of none.
 */
export function collapseWarning(rows: readonly MetricRow[]): string | null {
  const latest = rows.slice(-COLLAPSE_WINDOW);
  if (latest.length < COLLAPSE_WINDOW) return null;
  const { step } = latest.at(-1)!;
  const meanOf = (name: string): number =>
    latest.reduce((sum, { values }) => sum + (values[name] ?? Number.NaN), 0) / latest.length;
  const [spread, entropy, marginal] = ["featureStd", "teacherEntropy", "marginalEntropy"].map(meanOf) as [
    number,
    number,
    number,
  ];
  if (spread < LEAST_SPREAD) {
    return (
      `step ${step}: collapse, the features of all pictures point one way (featureStd ${spread.toFixed(3)}, 1 when they ` +
      "point everywhere). Lower the learning rate, or raise the teacher's momentum"
    );
  }
  if (marginal - entropy < LEAST_INFORMATION) {
    const isSure = marginal < Math.LN2;
    return (
      `step ${step}: collapse, the teacher answers every picture alike, ` +
      (isSure
        ? `with one prototype (teacherEntropy ${entropy.toFixed(3)}). Lower the center's momentum, or raise the teacher's temperature`
        : `with all prototypes at once (teacherEntropy ${entropy.toFixed(3)}). Lower the teacher's temperature`)
    );
  }
  return null;
}

/**
 * Watches the rows of a run as they come, in the order of their steps: gives its `collapseWarning` at the first row that has
 * one, and null ever after.
 */
export function collapseWatch(): (row: MetricRow) => string | null {
  const latest: MetricRow[] = [];
  let isOver = false;
  return (row) => {
    if (isOver) return null;
    latest.push(row);
    if (latest.length > COLLAPSE_WINDOW) latest.shift();
    const warning = collapseWarning(latest);
    isOver = warning !== null;
    return warning;
  };
}
