import softmaxWgsl from "../../shaders/softmax.wgsl";
import { words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { FLOAT } from "../graph/takes.ts";
import type { Tensor } from "../graph/tensor.ts";
import { rowKernel, rowsOf, summing, withNan } from "./reduce.ts";

const text = summing(withNan(softmaxWgsl));

/* @__NO_SIDE_EFFECTS__ */
function overRows(name: string, LOG: boolean): (x: Tensor) => Tensor {
  const forward = rowKernel("softmax_forward", text, { LOG });
  const backward = rowKernel("softmax_backward", text, { LOG });
  const op = defineOp<[Tensor]>({
    name,
    takes: { x: FLOAT },
    shape([x]) {
      rowsOf(name, x);
      return x;
    },
    forward({ device, inputs: [x], output: y }) {
      const size = rowsOf(name, x.shape);
      forward(device, size, [words(size.rows, size.n), x, y]);
    },
    backward({ device, output: y, into }, dy) {
      const size = rowsOf(name, y.shape);
      const dx = into(0);
      backward(device, size, [words(size.rows, size.n), y, dy, dx]);
      return [dx];
    },
  });
  return (x) => op([x]);
}

/**
 * exp(x) / sum exp(x) over the last axis, shifted by the row's maximum so that exp cannot overflow.
 * x f32 [..., n] -> [..., n]. A row with NaN or +infinity, or of -infinity alone, is NaN.
 * torch.nn.functional.softmax(x, dim=-1).
 */
export const softmax = overRows("softmax", false);

/**
 * x - log sum exp(x) over the last axis, shifted by the row's maximum so that exp cannot overflow.
 * x f32 [..., n] -> [..., n]. What is not finite goes as in `softmax`. torch.nn.functional.log_softmax(x, dim=-1).
 */
export const logSoftmax = overRows("logSoftmax", true);
