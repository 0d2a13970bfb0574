import { fill } from "../graph/fill.ts";
import { checkDTypes, FLOAT } from "../graph/takes.ts";
import type { Tensor } from "../graph/tensor.ts";
import { abs, add, mul, relu, scale, square, sub } from "./elementwise.ts";
import { mean } from "./mean.ts";

const takes = { a: FLOAT, b: FLOAT };

/** Mean of (a - b)^2 over all values. a, b f32, broadcast -> []. torch.nn.functional.mse_loss. */
export function meanSquaredError(a: Tensor, b: Tensor): Tensor {
  checkDTypes("meanSquaredError", takes, [a, b]);
  return mean(square(sub(a, b)));
}

/**
 * Mean over all values of d^2 / (2 beta) where d = |a - b| is below beta, of d - beta / 2 elsewhere.
 * a, b f32, broadcast -> []. torch.nn.functional.smooth_l1_loss, but for an infinite d, which gives NaN.
 */
export function smoothL1(a: Tensor, b: Tensor, beta = 1): Tensor {
  checkDTypes("smoothL1", takes, [a, b]);
  if (!(beta > 0))
    throw new Error(`smoothL1: beta must be above 0; got ${beta}. Use mean(abs(sub(a, b))) for 0`);
  const distance = abs(sub(a, b));
  const excess = relu(add(distance, fill(a.device, [], -beta)));
  const near = sub(distance, excess); // min(distance, beta)
  return scale(mean(mul(near, sub(distance, scale(near, 0.5)))), 1 / beta);
}
