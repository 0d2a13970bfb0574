import emaWgsl from "../../shaders/ema.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import type { Guard } from "../graph/guard.ts";
import { Tensor } from "../graph/tensor.ts";

const WORKGROUP = 64;
const emaKernel = kernel("ema", [gridWgsl, emaWgsl], { WORKGROUP });

/**
 * average = momentum average + (1 - momentum) x, in place, unless the guard has halted: a momentum teacher over the
 * shards of its student, or a center over one tensor. Both of equal sizes; momentum [] by step. Recorded before
 * `clipGradients` it does not see the bad step itself: put it off with `guard.later`.
 */
export function ema(
  average: Tensor | readonly Tensor[],
  x: Tensor | readonly Tensor[],
  momentum: Tensor,
  guard: Guard,
): void {
  const [averages, xs] = [listOf(average), listOf(x)];
  if (`${averages.map(({ size }) => size)}` !== `${xs.map(({ size }) => size)}`) {
    const [a, b] = [averages, xs].map((tensors) => tensors.map(({ size }) => size).join(" + "));
    throw new Error(`ema: both must have the same sizes; got ${a} and ${b}`);
  }
  for (const [i, to] of averages.entries()) {
    const bindings = [words(to.size), to, xs[i]!, momentum, guard.state];
    to.device.run(emaKernel, bindings, Math.ceil(to.size / WORKGROUP));
  }
}

const listOf = (tensors: Tensor | readonly Tensor[]): readonly Tensor[] =>
  tensors instanceof Tensor ? [tensors] : tensors;
