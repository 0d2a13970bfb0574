import adamwWgsl from "../../shaders/adamw.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import { kernel } from "../kernel.ts";
import { BLOCK, type Parameters } from "../parameters.ts";
import { f32Bits, uniform } from "../pipelines.ts";
import { Tensor } from "../tensor.ts";
import { gradientsOf, type Optimizer } from "./optimizer.ts";
import { segmentTable } from "./segments.ts";

export interface AdamWOptions {
  beta1?: number;
  beta2?: number;
  eps?: number;
}

const WORKGROUP = 64;
const adamwKernel = kernel("adamw", [gridWgsl, adamwWgsl], { WORKGROUP, VECTORS: BLOCK / 4 });

/**
 * AdamW with decoupled weight decay, the whole model in one dispatch (Loshchilov & Hutter 2019, arXiv:1711.05101;
 * torch.optim.AdamW):  p -= lr wd p;  m = β1 m + (1-β1) g;  v = β2 v + (1-β2) g²;
 * p -= lr / (1-β1^t) m / (√v / √(1-β2^t) + eps).
 */
export function adamw(parameters: Parameters, options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, eps = 1e-8 } = options;
  const { device, trained } = parameters;
  const gradients = gradientsOf("adamw", parameters);
  const { ofBlock, rows } = segmentTable(parameters);
  const m = Tensor.from(device, new Float32Array(trained.size), trained.shape);
  const v = Tensor.from(device, new Float32Array(trained.size), trained.shape);
  const vectors = trained.size / 4;
  const settings = uniform(vectors, ...[beta1, 1 - beta1, beta2, 1 - beta2, eps].map(f32Bits));
  return {
    state: { exp_avg: m, exp_avg_sq: v },
    numbers: ({ step, lr, weightDecay }) => [
      lr,
      lr * weightDecay,
      lr / (1 - beta1 ** step),
      Math.sqrt(1 - beta2 ** step),
    ],
    update(numbers, factors) {
      const bindings = [settings, trained, gradients, m, v, ofBlock, rows, numbers, factors];
      const work = { flops: 12 * trained.size, bytes: 7 * trained.bytes }; // of p, m and v both ways, and of g
      device.run(adamwKernel, bindings, Math.ceil(vectors / WORKGROUP), work);
    },
  };
}
