import gridWgsl from "../../shaders/grid.wgsl";
import sgdWgsl from "../../shaders/sgd.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { BLOCK, type Parameters } from "../graph/parameters.ts";
import { disposeOf, type Optimizer, refuseLate, trainedShards } from "./optimizer.ts";

/* @__NO_SIDE_EFFECTS__ */
const kernelOf = (nesterov: boolean) => kernel("sgd", [gridWgsl, sgdWgsl], { BLOCK, NESTEROV: nesterov });
const plainKernel = kernelOf(false);
const nesterovKernel = kernelOf(true);

export interface SgdOptions {
  momentum?: number;
  /** Whether the step looks ahead by the momentum it has just taken up (Sutskever et al. 2013); false when absent. */
  nesterov?: boolean;
}

/** d = g + wd p;  μ = momentum μ + d;  p -= lr μ, with `nesterov` p -= lr (d + momentum μ). torch.optim.SGD. */
export function sgd(parameters: Parameters, options: SgdOptions = {}): Optimizer {
  const { momentum = 0.9, nesterov = false } = options;
  if (nesterov && !(momentum > 0)) {
    throw new Error(`sgd: nesterov needs a momentum above 0; got ${momentum}. Leave nesterov out`);
  }
  const { device } = parameters;
  refuseLate("sgd", parameters);
  const shards = trainedShards("sgd", parameters);
  const buffer = parameters.zeros();
  const state = { momentum_buffer: buffer };
  return {
    state,
    numbers: ({ lr, weightDecay }) => [lr, weightDecay, 0, 0],
    dispose: () => disposeOf(state),
    update(numbers, factors) {
      for (const [i, { values, gradients, blocks }] of shards.entries()) {
        const count = values.size / BLOCK;
        const settings = words(count, f32Bits(momentum));
        const bindings = [settings, values, gradients, buffer[i]!, blocks, numbers, factors];
        device.run(nesterov ? nesterovKernel : plainKernel, bindings, count);
      }
    },
  };
}
