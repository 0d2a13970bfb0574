import gridWgsl from "../../shaders/grid.wgsl";
import randomWgsl from "../../shaders/random.wgsl";
import randomOpsWgsl from "../../shaders/randomOps.wgsl";
import type { Device } from "../gpu/device.ts";
import { type Kernel, kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { checkDTypes, WHOLE } from "../graph/takes.ts";
import { type Shape, Tensor } from "../graph/tensor.ts";
import { STREAMS, type Stream, seedKey } from "../random.ts";

const WORKGROUP = 64;
const VALUES_PER_BLOCK = 4;

/** A kernel of randomOps.wgsl. */
/* @__NO_SIDE_EFFECTS__ */
export function randomKernel(entry: string): Kernel {
  return kernel(entry, [randomWgsl, gridWgsl, randomOpsWgsl], { WORKGROUP });
}

const uniformKernel = randomKernel("uniform_values");
const normalKernel = randomKernel("normal_values");

/** Which random numbers: the same key gives the same numbers, on every adapter and on the CPU (`Random`). */
export interface RandomKey {
  /** Whole number in [0, 2^53), fixed for a run. */
  seed: number;
  stream: Stream;
  /** u32 of shape []: a tensor, so that a captured step draws new numbers each time it runs. */
  step: Tensor;
  /** Tells apart several users of one stream in one step, such as the layers of a network. 0 is `Random`'s own. */
  site?: number;
}

/** Runs a kernel of randomOps.wgsl over the values of y; p and factor are dropout's. */
export function drawInto(
  chosen: Kernel,
  y: Tensor,
  { seed, stream, step, site = 0 }: RandomKey,
  { p, factor, x }: { p: number; factor: number; x?: Tensor } = { p: 0, factor: 1 },
): void {
  checkDTypes("random", { step: WHOLE }, [step]);
  if (step.size !== 1) throw new Error(`random: step must be one number; got shape [${step.shape}]`);
  const draw = words(y.size, STREAMS[stream], site, f32Bits(p), ...seedKey(seed), f32Bits(factor));
  const blocks = Math.ceil(y.size / VALUES_PER_BLOCK);
  y.device.run(chosen, x ? [draw, step, y, x] : [draw, step, y], Math.ceil(blocks / WORKGROUP));
}

/**
 * Uniform numbers in [0, 1), multiples of 2^-24: value i is number i of the stream (seed, stream, step), equal to the
 * bit to `Random.next`. -> f32 [shape]. torch.rand.
 */
export function uniform(device: Device, shape: Shape, key: RandomKey): Tensor {
  const y = Tensor.empty(device, shape);
  drawInto(uniformKernel, y, key);
  return y;
}

/**
 * Samples of N(0, 1) by Box-Muller, the same ones as `Random.normal` up to the adapter's logarithm, sine and cosine.
 * -> f32 [shape]. torch.randn.
 */
export function normal(device: Device, shape: Shape, key: RandomKey): Tensor {
  const y = Tensor.empty(device, shape);
  drawInto(normalKernel, y, key);
  return y;
}
