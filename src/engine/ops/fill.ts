import fillWgsl from "../../shaders/fill.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import type { Device } from "../device.ts";
import { runElementwise } from "../elementwiseKernel.ts";
import { elementwise, formula } from "../formula.ts";
import { kernel } from "../kernel.ts";
import { f32Bits, uniform } from "../pipelines.ts";
import { type DType, type Shape, Tensor } from "../tensor.ts";

const WORKGROUP = 64;
const fillKernel = kernel("fill", [gridWgsl, fillWgsl], { WORKGROUP });

const total = formula("accumulate", ["total: V", "x: V"], "return total + x;");

/** A tensor of `shape` with one value everywhere. */
export function fill(device: Device, shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  const y = Tensor.empty(device, shape, dtype);
  const word = dtype === "f32" ? f32Bits(value) : value >>> 0;
  device.run(fillKernel, [uniform(y.size, word), y], Math.ceil(y.size / WORKGROUP), {
    constant: { word, output: y },
  });
  return y;
}

/** sum += x in place, outside of autograd. Returns sum. */
export function accumulate(sum: Tensor, x: Tensor): Tensor {
  runElementwise(sum.device, elementwise(total, [sum, x], sum));
  return sum;
}
