// Signs that a network gives the same answer to everything: scalars to be logged while it trains.

import { fill } from "../engine/graph/fill.ts";
import { stopGradient } from "../engine/graph/op.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { add, log, mul, scale, sqrt, square, sub } from "../engine/ops/elementwise.ts";
import { mean } from "../engine/ops/mean.ts";
import { normalize } from "../engine/ops/normalize.ts";
import { sum } from "../engine/ops/sum.ts";

/**
 * Standard deviation over the batch of features of length 1, averaged over dimensions, times √d: near 1 for features that
 * point everywhere, 0 when all are one (Chen & He 2021, arXiv:2011.10566, section 4.1). x [B, d] -> [].
 */
export function featureStd(x: Tensor): Tensor {
  const z = normalize(stopGradient(x)); // [B, d]
  const variance = mean(square(sub(z, mean(z, 0, true))), 0); // [d]
  return scale(mean(sqrt(variance)), Math.sqrt(x.shape[1]!));
}

/** Mean entropy of rows of probabilities, in nats: ln K when they say nothing, 0 when each is sure. p [B, K] -> []. */
export function meanEntropy(p: Tensor): Tensor {
  const q = stopGradient(p);
  const safe = add(q, fill(q.device, [], 1e-30)); // 0 log 0 is 0
  return scale(mean(sum(mul(q, log(safe)), -1)), -1);
}

/** Entropy of the mean of the rows: ln K when all K are used alike, 0 when all rows choose one. p [B, K] -> []. */
export function marginalEntropy(p: Tensor): Tensor {
  const [, classes] = p.shape as [number, number];
  return meanEntropy(mean(stopGradient(p), 0, true).alias([1, classes]));
}
