/** Op calls that between them ask for every kernel whose WGSL is completed by TypeScript: constants, holes, variants. */

import type { Tensor } from "../../src/engine/graph/tensor.ts";
import { argsort } from "../../src/engine/ops/argsort.ts";
import { attention, selfAttention } from "../../src/engine/ops/attention.ts";
import { cast } from "../../src/engine/ops/cast.ts";
import { crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import {
  add,
  div,
  exp,
  gelu,
  log,
  maximum,
  mul,
  relu,
  scale,
  square,
  sub,
  tanh,
} from "../../src/engine/ops/elementwise.ts";
import { gather } from "../../src/engine/ops/gather.ts";
import { indexSelect } from "../../src/engine/ops/indexSelect.ts";
import { layerNorm } from "../../src/engine/ops/layerNorm.ts";
import { linear, mlp } from "../../src/engine/ops/linear.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { max } from "../../src/engine/ops/max.ts";
import { mean } from "../../src/engine/ops/mean.ts";
import { normalize } from "../../src/engine/ops/normalize.ts";
import { logSoftmax, softmax } from "../../src/engine/ops/softmax.ts";
import { sum } from "../../src/engine/ops/sum.ts";
import { where } from "../../src/engine/ops/where.ts";

/** Makes an uninitialised input of the given shape. */
export type Input = (...shape: number[]) => Tensor;

/** Sizes that are whole vectors of four, and sizes that are not. */
export const kernelSamples: ((input: Input) => Tensor)[] = [
  (input) => square(input(8)),
  (input) => gelu(input(2, 5)),
  (input) => add(input(4, 8), input(8)),
  (input) => mul(input(3, 5), input(3, 1)),
  (input) => div(input(8), input(8)),
  (input) => square(sub(scale(input(4, 8), 2), input(8))),
  (input) => add(gelu(mean(input(3, 5), -1)), input(3)),
  (input) => where(cast(square(input(8)), "i32"), input(8), mul(input(8), input(8))),
  (input) => matmul(input(8, 4), input(4, 12)),
  (input) => matmul(input(3, 5), input(5, 7)),
  (input) => linear(input(8, 4), input(12, 4), input(12)),
  (input) => linear(input(3, 5), input(7, 5), input(7)),
  (input) => linear(input(8, 4), input(12, 4), input(12), input(8, 12)),
  // Weight gradients whose k is cut into parts, with and without the sums of rows.
  (input) => linear(input(300, 3), input(7, 3), input(7)),
  (input) => linear(input(300, 4), input(8, 4), input(8)),
  (input) => matmul(input(300, 4), input(300, 8), { transposeA: true }),
  ...(["erf", "tanh"] as const).map((form) => (input: Input) => {
    const weights = {
      fc1: { weight: input(8, 4), bias: input(8) },
      fc2: { weight: input(4, 8), bias: input(4) },
    };
    return mlp(input(2, 4), weights, form);
  }),
  (input) => matmul(input(3, 5), input(7, 5), { transposeB: true }),
  (input) => selfAttention(input(2, 9, 48), 2),
  (input) => selfAttention(input(2, 9, 48), 2, input(2, 9, 9)),
  (input) => attention(input(2, 3, 16), input(2, 5, 16), input(2, 5, 16), 2),
  (input) => matmul(input(70_000, 1, 2), input(70_000, 2, 1)), // more matrices than a grid is deep
  (input) => gather(input(4), 0, argsort(input(4))),
  (input) => indexSelect(input(4, 8), argsort(input(4))),
  (input) => indexSelect(input(200, 3), argsort(input(200))),
  (input) => maximum(tanh(log(input(8))), relu(exp(input(8)))),
  // Rows for eight lanes, for more than a subgroup has, and so long that they are summed in parts.
  ...[200, 1100, 9000].flatMap((n) => [
    (input: Input) => softmax(input(2, n)),
    (input: Input) => logSoftmax(input(2, n)),
    (input: Input) => normalize(input(2, n)),
    (input: Input) => layerNorm(input(2, n)),
    (input: Input) => layerNorm(input(2, n + 1)),
    (input: Input) => max(input(2, n), -1),
    (input: Input) => sum(input(2, n), -1),
    (input: Input) => crossEntropy(input(2, n), input(2, n)),
  ]),
  (input) => where(argsort(input(4)), input(4), input(4)),
  (input) => where(argsort(input(1100)), input(1100), input(1100)),
];
