/** What differs most among the features of places, as colours: their first three principal components. */

import type { FeatureRows } from "../probes/cosines.ts";
import type { FeatureMaps } from "./featureMaps.ts";

export interface Principal {
  /** Mean of the rows, [dim]. */
  mean: Float64Array;
  /** Directions of length 1, each [dim], the one with the largest variance first; the largest of its entries is positive. */
  components: Float64Array[];
  /** Variance along each, sums of squares divided by the number of rows. 0 where the rows have no more directions. */
  variances: number[];
}

/** Power iteration ends here, or when a direction moves less than this. */
const MOST_ROUNDS = 2000;
const STILL = 1e-13;
/** A variance below this share of the first is rounding. */
const NOTHING = 1e-12;

/**
 * The first `count` principal components of rows [N, dim], in float64: power iteration on the covariance, which then loses
 * what was found. A pure function of the rows. numpy.linalg.eigh of the covariance, largest first. Throws where a value is not
 * finite.
 */
export function principalComponents(rows: FeatureRows, count: number): Principal {
  const { values, dim } = rows;
  if (!values.every(Number.isFinite)) {
    throw new Error("principalComponents: every feature must be finite. Did the encoder's training diverge?");
  }
  const { mean, covariance } = momentsOf(values, dim);
  const components: Float64Array[] = [];
  const variances: number[] = [];
  for (let i = 0; i < count; i++) {
    const { direction, variance } = strongest(covariance, dim);
    const isNothing = variance <= NOTHING * (variances[0] ?? 0);
    components.push(isNothing ? new Float64Array(dim) : direction);
    variances.push(isNothing ? 0 : variance);
    for (let a = 0; a < dim; a++) {
      for (let b = 0; b < dim; b++) covariance[a * dim + b]! -= variance * direction[a]! * direction[b]!;
    }
  }
  return { mean, components, variances };
}

function momentsOf(values: Float32Array, dim: number): { mean: Float64Array; covariance: Float64Array } {
  const count = values.length / dim;
  const mean = new Float64Array(dim);
  for (let i = 0; i < values.length; i++) mean[i % dim]! += values[i]! / count;
  const covariance = new Float64Array(dim * dim);
  const centred = new Float64Array(dim);
  for (let row = 0; row < count; row++) {
    for (let a = 0; a < dim; a++) centred[a] = values[row * dim + a]! - mean[a]!;
    for (let a = 0; a < dim; a++) {
      for (let b = 0; b <= a; b++) covariance[a * dim + b]! += (centred[a]! * centred[b]!) / count;
    }
  }
  for (let a = 0; a < dim; a++)
    for (let b = 0; b < a; b++) covariance[b * dim + a] = covariance[a * dim + b]!;
  return { mean, covariance };
}

/** The direction of the largest variance. It starts at the column of the largest entry on the diagonal. */
function strongest(covariance: Float64Array, dim: number): { direction: Float64Array; variance: number } {
  let largest = 0;
  for (let a = 1; a < dim; a++) {
    if (covariance[a * dim + a]! > covariance[largest * dim + largest]!) largest = a;
  }
  let direction = unit(covariance.slice(largest * dim, (largest + 1) * dim));
  let variance = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const moved = new Float64Array(dim);
    for (let a = 0; a < dim; a++) {
      for (let b = 0; b < dim; b++) moved[a]! += covariance[a * dim + b]! * direction[b]!;
    }
    variance = Math.hypot(...moved);
    const next = unit(moved);
    const step = Math.hypot(...next.map((x, a) => x - direction[a]!));
    direction = next;
    if (step < STILL) break;
  }
  const top = direction.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
  return { direction: direction.map((x) => (top < 0 ? -x : x)), variance };
}

function unit(x: Float64Array): Float64Array {
  const length = Math.hypot(...x);
  return length > 0 ? x.map((value) => value / length) : x;
}

/**
 * Places as colours, row-major [count, rows, columns, 3]: along each of the first three components the place that is lowest of
 * all pictures' is 0 and the highest 255, so that like parts of different pictures have like colours. A component that is
 * missing is 128.
 */
export function pcaMaps(maps: FeatureMaps): Uint8ClampedArray<ArrayBuffer> {
  const { values, dim } = maps;
  const { mean, components } = principalComponents(maps, 3);
  const places = values.length / dim;
  const colours = new Uint8ClampedArray(places * 3);
  for (const [channel, direction] of components.entries()) {
    const scores = new Float64Array(places);
    for (let place = 0; place < places; place++) {
      for (let a = 0; a < dim; a++) scores[place]! += (values[place * dim + a]! - mean[a]!) * direction[a]!;
    }
    const low = scores.reduce((least, score) => Math.min(least, score));
    const high = scores.reduce((most, score) => Math.max(most, score));
    for (const [place, score] of scores.entries()) {
      colours[place * 3 + channel] = high > low ? (255 * (score - low)) / (high - low) : 128;
    }
  }
  return colours;
}
