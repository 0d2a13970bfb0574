import type { Features } from "../../src/eval/features.ts";
import { testRandom } from "../array64.ts";

/** A sum of twelve uniform numbers: near enough to N(0, 1) for a toy. */
const bell = (next: () => number): number => Array.from({ length: 12 }, next).reduce((a, b) => a + b, -6);

/**
 * Gaussian classes around random centres that `centresFrom` fixes, so that training and test sets can share them.
 * Row i has class i % classes. spread 0.1 separates them by far; "any" labels have nothing to do with the rows.
 */
export function toyFeatures(options: {
  count: number;
  dim: number;
  classes: number;
  seed: number;
  spread?: number;
  labels?: "own" | "any";
}): Features {
  const { count, dim, classes, seed, spread = 0.1, labels: kind = "own" } = options;
  const centresFrom = testRandom(1000);
  const centres = Float32Array.from({ length: classes * dim }, () => bell(centresFrom));
  const next = testRandom(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const values = Float32Array.from({ length: count * dim }, (_, at) => {
    const row = Math.floor(at / dim);
    return centres[labels[row]! * dim + (at % dim)]! + spread * bell(next);
  });
  if (kind === "any") for (let i = 0; i < count; i++) labels[i] = Math.floor(next() * classes);
  return { values, labels, dim, classes };
}
