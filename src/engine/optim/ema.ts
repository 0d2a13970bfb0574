import emaWgsl from "../../shaders/ema.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import type { Tensor } from "../graph/tensor.ts";

const WORKGROUP = 64;
const emaKernel = kernel("ema", [gridWgsl, emaWgsl], { WORKGROUP });

/** average = momentum average + (1 - momentum) x, in place: a momentum teacher. Both [n]; momentum [] by step. */
export function ema(average: Tensor, x: Tensor, momentum: Tensor): void {
  if (average.size !== x.size) {
    throw new Error(`ema: both must have one size; got ${average.size} and ${x.size}`);
  }
  average.device.run(emaKernel, [words(x.size), average, x, momentum], Math.ceil(x.size / WORKGROUP));
}
