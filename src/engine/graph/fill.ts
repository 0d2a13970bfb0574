import fillWgsl from "../../shaders/fill.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import type { Device } from "../gpu/device.ts";
import { runElementwise } from "../gpu/elementwiseKernel.ts";
import { elementwise, formula } from "../gpu/formula.ts";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { checkValues, type DType, type Shape, Tensor } from "./tensor.ts";

const WORKGROUP = 64;
const fillKernel = kernel("fill", [gridWgsl, fillWgsl], { WORKGROUP });

const total = formula("accumulate", ["total: V", "x: V"], "return total + x;");

/**
 * A tensor of `shape` with one value everywhere. Throws unless i32 and u32 have the value. torch.full.
 */
export function fill(device: Device, shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  checkValues("fill", [value], dtype);
  const y = Tensor.empty(device, shape, dtype);
  const word = dtype === "f32" ? f32Bits(value) : value >>> 0;
  device.run(fillKernel, [words(y.size, word), y], Math.ceil(y.size / WORKGROUP), {
    constant: { word, output: y },
  });
  return y;
}

/** sum + x, in place unless told where, outside of autograd. */
export function accumulate(sum: Tensor, x: Tensor, y: Tensor = sum): Tensor {
  runElementwise(sum.device, elementwise(total, [sum, x], y));
  return y;
}

/** The same values in memory of their own, outside of autograd. */
export function copyOf(x: Tensor): Tensor {
  const y = Tensor.empty(x.device, x.shape, x.dtype);
  x.device.copy(x, y);
  return y;
}
