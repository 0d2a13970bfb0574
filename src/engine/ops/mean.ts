import { checkDTypes, FLOAT } from "../graph/takes.ts";
import type { Tensor } from "../graph/tensor.ts";
import { scale } from "./elementwise.ts";
import { sum } from "./sum.ts";

/** Mean over some axes, all by default. x f32. torch.mean. */
export function mean(x: Tensor, axes?: number | readonly number[], keepDims = false): Tensor {
  checkDTypes("mean", { x: FLOAT }, [x]);
  const total = sum(x, axes, keepDims);
  return scale(total, total.size / x.size);
}
