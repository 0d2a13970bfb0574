// What the signs of collapse.ts say: whether a network has come to give every picture the same answer.

import type { MetricRow } from "../engine/step/metricRing.ts";

/** Steps that are looked at: of fewer nothing is said, since at first all pictures look alike to a network. */
export const COLLAPSE_WINDOW = 50;
/** Share of what `featureStd` has for features that point everywhere. */
const LEAST_SPREAD = 0.02;
/** Nats that a teacher's answers tell of the pictures, at least, and as a share of what they told in a run's first window. */
const LEAST_INFORMATION = 0.01;
const LEAST_SHARE = 0.4;

/** The mean of a metric over rows; NaN where they do not have it. */
const meanOf = (rows: readonly MetricRow[], name: string): number =>
  rows.reduce((sum, { values }) => sum + (values[name] ?? Number.NaN), 0) / rows.length;

/** What a teacher's answers tell of the pictures, in nats: the entropy of their mean less the mean of their entropies. */
const informationOf = (rows: readonly MetricRow[]): number =>
  meanOf(rows, "marginalEntropy") - meanOf(rows, "teacherEntropy");

/**
 * One line where the latest rows of a run show that it has collapsed, null where they do not or hold no signs. Rows in the
 * order of their steps; the means over the last `COLLAPSE_WINDOW` of them count. The answers of a teacher tell nothing when it
 * is sure of one prototype for all pictures, or of none.
 */
export function collapseWarning(rows: readonly MetricRow[]): string | null {
  const latest = rows.slice(-COLLAPSE_WINDOW);
  if (latest.length < COLLAPSE_WINDOW) return null;
  const { step } = latest.at(-1)!;
  const [spread, entropy, marginal] = ["featureStd", "teacherEntropy", "marginalEntropy"].map((name) =>
    meanOf(latest, name),
  ) as [number, number, number];
  if (spread < LEAST_SPREAD) {
    return (
      `step ${step}: collapse, the features of all pictures point one way (featureStd ${spread.toFixed(3)}, 1 when they ` +
      "point everywhere). Lower the learning rate, or raise the teacher's momentum"
    );
  }
  if (informationOf(latest) < LEAST_INFORMATION) {
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
 * One line where a teacher's answers have come to tell much less of the pictures than in the `first` window since its run was started or resumed, or
 * where that goes on: it has not collapsed, but may stay on such a plateau. Null where they do not, or the windows are not apart.
 */
export function plateauWarning(first: readonly MetricRow[], rows: readonly MetricRow[]): string | null {
  const latest = rows.slice(-COLLAPSE_WINDOW);
  if (latest.length < COLLAPSE_WINDOW || first.at(-1)!.step >= latest[0]!.step) return null;
  const [had, has] = [informationOf(first), informationOf(latest)];
  if (!(has < LEAST_SHARE * had)) return null;
  return (
    `step ${latest.at(-1)!.step}: plateau, the teacher's answers tell less of the pictures than at first ` +
    `(${has.toFixed(3)} nats, ${had.toFixed(3)} over steps ${first[0]!.step} to ${first.at(-1)!.step}). Measure the encoder before it trains on`
  );
}

/**
 * Watches the rows of a run as they come, in the order of their steps: gives its `plateauWarning` at the first row that has
 * one, then its `collapseWarning`, each once, and no other after this.
 */
export function collapseWatch(): (row: MetricRow) => string | null {
  const first: MetricRow[] = [];
  const latest: MetricRow[] = [];
  let isOver = false;
  let isPlateau = false;
  return (row) => {
    if (isOver) return null;
    if (first.length < COLLAPSE_WINDOW) first.push(row);
    latest.push(row);
    if (latest.length > COLLAPSE_WINDOW) latest.shift();
    const collapse = collapseWarning(latest);
    isOver = collapse !== null;
    if (isOver || isPlateau) return collapse;
    const plateau = plateauWarning(first, latest);
    isPlateau = plateau !== null;
    return plateau;
  };
}
