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
 * d^2 / (2 beta) where d = |a - b| is below beta, d - beta / 2 elsewhere; the mean over all values, or each of them.
 * a, b f32, broadcast -> [], or their shape with reduction "none". torch.nn.functional.smooth_l1_loss, but for an infinite
 * d, which gives NaN.
 */
export function smoothL1(
  a: Tensor,
  b: Tensor,
  beta = 1,
  { reduction = "mean" }: { reduction?: "mean" | "none" } = {},
): Tensor {
  checkDTypes("smoothL1", takes, [a, b]);
  if (!(beta > 0))
    throw new Error(`smoothL1: beta must be above 0; got ${beta}. Use mean(abs(sub(a, b))) for 0`);
  const distance = abs(sub(a, b));
  const excess = relu(add(distance, fill(a.device, [], -beta)));
  const near = sub(distance, excess); // min(distance, beta)
  const each = mul(near, sub(distance, scale(near, 0.5)));
  return scale(reduction === "mean" ? mean(each) : each, 1 / beta);
}
