import gridWgsl from "../../shaders/grid.wgsl";
import sgdWgsl from "../../shaders/sgd.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { BLOCK, type Parameters } from "../graph/parameters.ts";
import { Tensor } from "../graph/tensor.ts";
import { gradientsOf, type Optimizer } from "./optimizer.ts";
import { segmentTable } from "./segments.ts";

const sgdKernel = kernel("sgd", [gridWgsl, sgdWgsl], { BLOCK });

/** d = g + wd p;  μ = momentum μ + d;  p -= lr μ. torch.optim.SGD. */
export function sgd(parameters: Parameters, { momentum = 0.9 }: { momentum?: number } = {}): Optimizer {
  const { device, trained } = parameters;
  const gradients = gradientsOf("sgd", parameters);
  const { blocks } = segmentTable(parameters);
  const buffer = Tensor.from(device, new Float32Array(trained.size), trained.shape);
  const settings = words(trained.size / BLOCK, f32Bits(momentum));
  return {
    state: { momentum_buffer: buffer },
    numbers: ({ lr, weightDecay }) => [lr, weightDecay, 0, 0],
    update(numbers, factors) {
      const bindings = [settings, trained, gradients, buffer, blocks, numbers, factors];
      device.run(sgdKernel, bindings, trained.size / BLOCK);
    },
  };
}
