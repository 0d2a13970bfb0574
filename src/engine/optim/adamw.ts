import adamwWgsl from "../../shaders/adamw.wgsl";
import aloneWgsl from "../../shaders/adamwAlone.wgsl";
import averageWgsl from "../../shaders/adamwAverage.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { BLOCK, type Parameters } from "../graph/parameters.ts";
import type { Tensor } from "../graph/tensor.ts";
import { disposeOf, type Optimizer, trainedShards } from "./optimizer.ts";

export interface AdamWOptions {
  beta1?: number;
  beta2?: number;
  eps?: number;
  /**
   * Laid out as `Parameters.trained`: a moving average of the trained parameters, a momentum teacher, updated in the same
   * pass with the rates' `averageMomentum`; to the bits of `ema` behind the update. A skipped update leaves it, too.
   */
  average?: readonly Tensor[];
}

const WORKGROUP = 64;
const constants = { WORKGROUP, VECTORS: BLOCK / 4 };
const aloneKernel = kernel("adamw", [gridWgsl, adamwWgsl, aloneWgsl], constants);
const averageKernel = kernel("adamw", [gridWgsl, adamwWgsl, averageWgsl], constants);

/**
 * AdamW with decoupled weight decay, a shard in one dispatch (Loshchilov & Hutter 2019, arXiv:1711.05101;
 * torch.optim.AdamW):  p -= lr wd p;  m = β1 m + (1-β1) g;  v = β2 v + (1-β2) g²;
 * p -= lr / (1-β1^t) m / (√v / √(1-β2^t) + eps).
 */
export function adamw(parameters: Parameters, options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, average } = options;
  const { device } = parameters;
  const shards = trainedShards("adamw", parameters);
  if (average && `${sizes(average)}` !== `${sizes(parameters.trained)}`) {
    throw new Error(
      `adamw: the average must have the sizes of the trained shards, ${sizes(parameters.trained)}; got ${sizes(average)}`,
    );
  }
  const [m, v] = [parameters.zeros(), parameters.zeros()];
  const betas = [beta1, 1 - beta1, beta2, 1 - beta2, eps].map(f32Bits);
  const state = { exp_avg: m, exp_avg_sq: v };
  return {
    state,
    dispose: () => disposeOf(state),
    numbers: ({ step, lr, weightDecay, averageMomentum = 1 }) =>
      step === 0
        ? [1, 0, 0, 0] // √(1 - β2^0): the kernel knows it by this
        : [averageMomentum, lr * weightDecay, lr / (1 - beta1 ** step), Math.sqrt(1 - beta2 ** step)],
    update(numbers, factors, lateNumbers = numbers) {
      const [flops, moved] = average ? [15, 9] : [12, 7]; // p, m, v and the average both ways, and g
      for (const [i, { values, gradients, blocks, late }] of shards.entries()) {
        const vectors = values.size / 4;
        const bindings = [
          ...[words(vectors, ...betas), values, gradients, m[i]!, v[i]!, blocks],
          ...[late ? lateNumbers : numbers, factors],
          ...(average ? [average[i]!] : []),
        ];
        const work = { flops: flops * values.size, bytes: moved * values.bytes };
        device.run(average ? averageKernel : aloneKernel, bindings, Math.ceil(vectors / WORKGROUP), work);
      }
    },
  };
}

const sizes = (tensors: readonly Tensor[]): number[] => tensors.map(({ size }) => size);
