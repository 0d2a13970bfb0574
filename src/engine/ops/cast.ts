import { runElementwise } from "../gpu/elementwiseKernel.ts";
import { ALIAS, elementwise, formula } from "../gpu/formula.ts";
import { defineOp } from "../graph/op.ts";
import type { DType, Tensor } from "../graph/tensor.ts";

/* @__NO_SIDE_EFFECTS__ */
function converter(from: DType, to: DType): (x: Tensor) => Tensor {
  const [From, To] = [ALIAS[from], ALIAS[to]];
  const convert = formula(`cast_${from}_${to}`, [`x: ${From}`], `return ${To}(x);`, [], To);
  const op = defineOp<[Tensor]>({
    name: "cast",
    takes: { x: [from] },
    dtype: to,
    shape: ([x]) => x,
    forward({ device, inputs: [x], output: y }) {
      runElementwise(device, elementwise(convert, [x], y));
    },
    backward: () => [null],
  });
  return (x) => op([x]);
}

const fromFloat = { i32: converter("f32", "i32"), u32: converter("f32", "u32") };
const toFloat = { i32: converter("i32", "f32"), u32: converter("u32", "f32") };

/**
 * x as another dtype, as WGSL converts: f32 -> i32 or u32 drops the fraction and stops at the ends of the range
 * (NaN is undefined), i32 or u32 -> f32 rounds, i32 <-> u32 keeps the bits and shares memory. No gradient passes.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (dtype === "f32") return x.dtype === "f32" ? x : toFloat[x.dtype](x);
  if (x.dtype === "f32") return fromFloat[dtype](x);
  return x.dtype === dtype ? x : x.alias(x.shape, 0, dtype);
}
