import gridWgsl from "../../shaders/grid.wgsl";
import larsWgsl from "../../shaders/lars.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { BLOCK, type Parameters } from "../graph/parameters.ts";
import { Tensor } from "../graph/tensor.ts";
import { disposeOf, type Optimizer, refuseLate, trainedShards } from "./optimizer.ts";
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
 * LARS (You et al. 2017, arXiv:1708.03888) as MAE's linear probe uses it: d = g + wd p where weight decay applies and
 * g elsewhere; q = trust |p| / |d| for tensors with several axes (1 where either norm is 0), and 1 for the others;
 * μ = momentum μ + q d;  p -= lr μ.
 */
export function lars(parameters: Parameters, options: LarsOptions = {}): Optimizer {
  const { momentum = 0.9, trustCoefficient = 0.001 } = options;
  const { device } = parameters;
  refuseLate("lars", parameters);
  const shards = trainedShards("lars", parameters);
  const { count, chunkCount, segments } = segmentTable(parameters);
  const buffer = parameters.zeros();
  const state = { momentum_buffer: buffer };
  return {
    state,
    numbers: ({ lr, weightDecay }) => [lr, weightDecay, 0, 0],
    dispose: () => disposeOf(state),
    update(numbers, factors) {
      const squares = Tensor.empty(device, [chunkCount, 2]);
      const trust = Tensor.empty(device, [count]);
      for (const { values, gradients, chunks, blocks, firstChunk } of shards) {
        const many = chunks.shape[0]!;
        const settings = words(many, firstChunk);
        device.run(
          squaresKernel,
          [settings, values, gradients, chunks, blocks, numbers, factors, squares],
          many,
        );
      }
      const trustSettings = words(count, f32Bits(trustCoefficient));
      device.run(
        trustKernel,
        [trustSettings, squares, segments, factors, trust],
        Math.ceil(count / WORKGROUP),
      );
      for (const [i, { values, gradients, blocks }] of shards.entries()) {
        const blockCount = values.size / BLOCK;
        const settings = words(blockCount, f32Bits(momentum));
        const bindings = [settings, values, gradients, buffer[i]!, blocks, numbers, factors, trust];
        device.run(updateKernel, bindings, blockCount);
      }
    },
  };
}
