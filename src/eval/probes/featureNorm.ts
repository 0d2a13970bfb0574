// The batch norm in front of a probe's classifier, without scale and shift: encoders differ in the size of their features.

import type { Guard } from "../../engine/graph/guard.ts";
import type { ParameterSpec, Parameters } from "../../engine/graph/parameters.ts";
import type { Tensor } from "../../engine/graph/tensor.ts";
import { batchNorm } from "../../engine/ops/batchNorm.ts";
import { constant } from "../../models/init.ts";

/** Its running statistics. */
export const featureNormSpecs = (name: string, dim: number): ParameterSpec[] => [
  { name: `${name}.running_mean`, shape: [dim], values: constant(dim, 0), trained: false },
  { name: `${name}.running_var`, shape: [dim], values: constant(dim, 1), trained: false },
];

/** x [B, D] -> [B, D]: under a guard by the batch's statistics, otherwise by the running ones. */
export const featureNorm = (
  params: Parameters,
  name: string,
  x: Tensor,
  guard: Guard | null,
  eps: number,
): Tensor =>
  batchNorm(x, {
    runningMean: params.get(`${name}.running_mean`),
    runningVar: params.get(`${name}.running_var`),
    eps,
    training: guard !== null,
    ...(guard ? { guard } : {}),
  });
