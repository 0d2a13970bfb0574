import gridWgsl from "../../shaders/grid.wgsl";
import larsWgsl from "../../shaders/lars.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { BLOCK, type Parameters } from "../graph/parameters.ts";
import { Tensor } from "../graph/tensor.ts";
import { gradientsOf, type Optimizer } from "./optimizer.ts";
import { segmentTable } from "./segments.ts";

const WORKGROUP = 64;
const sources = [gridWgsl, larsWgsl];
const squaresKernel = kernel("lars_squares", sources, { BLOCK, WORKGROUP });
const trustKernel = kernel("lars_trust", sources, { BLOCK, WORKGROUP });
const updateKernel = kernel("lars", sources, { BLOCK, WORKGROUP });

export interface LarsOptions {
  momentum?: number;
  trustCoefficient?: number;
}

/**
 * LARS (You et al. 2017, arXiv:1708.03888) as MAE's linear probe uses it: for tensors with several axes
 * d = g + wd p and q = trust |p| / |d| (1 where either is 0), otherwise d = g and q = 1;  μ = momentum μ + q d;
 * p -= lr μ.
 */
export function lars(parameters: Parameters, options: LarsOptions = {}): Optimizer {
  const { momentum = 0.9, trustCoefficient = 0.001 } = options;
  const { device, trained } = parameters;
  const gradients = gradientsOf("lars", parameters);
  const { count, blocks, chunks, chunksOf } = segmentTable(parameters);
  const buffer = Tensor.from(device, new Float32Array(trained.size), trained.shape);
  const many = chunks.shape[0]!;
  const blockCount = trained.size / BLOCK;
  return {
    state: { momentum_buffer: buffer },
    numbers: ({ lr, weightDecay }) => [lr, weightDecay, 0, 0],
    update(numbers, factors) {
      const squares = Tensor.empty(device, [many, 2]);
      const trust = Tensor.empty(device, [count]);
      const common = [blocks, numbers, factors];
      device.run(squaresKernel, [words(many), trained, gradients, chunks, ...common, squares], many);
      const settings = words(count, f32Bits(trustCoefficient));
      device.run(
        trustKernel,
        [settings, squares, chunksOf, chunks, blocks, factors, trust],
        Math.ceil(count / WORKGROUP),
      );
      const update = [words(blockCount, f32Bits(momentum)), trained, gradients, buffer, ...common, trust];
      device.run(updateKernel, update, blockCount);
    },
  };
}
