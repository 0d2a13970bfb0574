// Signs that a network gives the same answer to everything: scalars to be logged while it trains. What they mean is said by
// `collapseWarning`.

import { fill } from "../engine/graph/fill.ts";
import { stopGradient } from "../engine/graph/op.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { add, div, log, mul, scale, sqrt, square, sub } from "../engine/ops/elementwise.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { mean } from "../engine/ops/mean.ts";
import { normalize } from "../engine/ops/normalize.ts";
import { sum } from "../engine/ops/sum.ts";

/** What `featureSigns` and `targetSigns` give. */
export const FEATURE_SIGNS = ["featureStd", "effectiveRank"] as const;
export const TARGET_SIGNS = ["teacherEntropy", "marginalEntropy", "kl", "centerNorm"] as const;

/** `featureStd` and `effectiveRank` of one batch of features. x [B, d] */
export const featureSigns = (x: Tensor): Record<(typeof FEATURE_SIGNS)[number], Tensor> => ({
  featureStd: featureStd(x),
  effectiveRank: effectiveRank(x),
});

/**
 * Standard deviation over the batch of features of length 1, averaged over dimensions, times √d: near 1 for features that
 * point everywhere, 0 when all are one (Chen & He 2021, arXiv:2011.10566, section 4.1). x [B, d] -> [].
 */
export function featureStd(x: Tensor): Tensor {
  const z = normalize(stopGradient(x)); // [B, d]
  const variance = mean(square(sub(z, mean(z, 0, true))), 0); // [d]
  return scale(mean(sqrt(variance)), Math.sqrt(x.shape[1]!));
}

/** Added to squares that are divided by: what varies less than by its root counts as nothing. */
const NOTHING = 1e-30;

/**
 * In how many directions features vary: the participation ratio tr(C)² / tr(C²) of their covariance C, which needs no
 * eigenvalues. k when k of them are equal and the others 0; 1 when one has all, or nothing varies. Features of any size are
 * near 1 when they are multiplied, so that f16 rounds none of them to 0 or infinity. x [B, d] -> [].
 */
export function effectiveRank(x: Tensor): Tensor {
  const [batch, width] = x.shape as [number, number];
  const nothing = fill(x.device, [], NOTHING);
  const centered = sub(stopGradient(x), mean(stopGradient(x), 0, true));
  const z = div(centered, sqrt(add(mean(square(centered)), nothing)));
  // z zᵀ and zᵀ z have the same eigenvalues but for zeros: the smaller one serves.
  const products = batch < width ? matmul(z, z, { transposeB: true }) : matmul(z, z, { transposeA: true });
  return div(add(square(sum(square(z))), nothing), add(sum(square(products)), nothing));
}

/** -Σ p log p of each row, in nats. p [R, K] -> [R] */
function entropies(p: Tensor): Tensor {
  const safe = add(p, fill(p.device, [], 1e-30)); // 0 log 0 is 0
  return scale(sum(mul(p, log(safe)), -1), -1);
}

/**
 * Of a teacher's probabilities, given in pieces [R, K], and of the class tokens' mean cross-entropy `loss` against them:
 * `teacherEntropy`, the mean of the rows' entropies in nats, ln K when they say nothing and 0 when each is sure;
 * `marginalEntropy`, that of the mean row, ln K when all K are used alike and 0 when all rows choose one; their difference is
 * what the answers tell of the pictures. `kl`, how far the student's answers are from them; `centerNorm`, center [K].
 */
export function targetSigns(
  targets: readonly Tensor[],
  loss: Tensor,
  center: Tensor,
): Record<(typeof TARGET_SIGNS)[number], Tensor> {
  const rows = targets.reduce((all, { shape }) => all + shape[0]!, 0);
  const averageOf = (of: (p: Tensor) => Tensor) =>
    targets.map((p) => scale(of(stopGradient(p)), p.shape[0]! / rows)).reduce(add);
  const teacherEntropy = averageOf((p) => mean(entropies(p)));
  const marginal = averageOf((p) => mean(p, 0, true)); // [1, K]
  return {
    teacherEntropy,
    marginalEntropy: sum(entropies(marginal)),
    kl: sub(stopGradient(loss), teacherEntropy),
    centerNorm: sqrt(sum(square(center))),
  };
}
