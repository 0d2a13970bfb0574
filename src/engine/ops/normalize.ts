import normalizeWgsl from "../../shaders/normalize.wgsl";
import { f32Bits, words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { FLOAT } from "../graph/takes.ts";
import { Tensor } from "../graph/tensor.ts";
import { rowKernel, rowsOf, summing, withNan } from "./reduce.ts";

const text = summing(withNan(normalizeWgsl));
const forward = rowKernel("normalize_forward", text);
const backward = rowKernel("normalize_backward", text);

const op = defineOp<[Tensor], { eps: number }, Tensor>({
  name: "normalize",
  takes: { x: FLOAT },
  shape([x]) {
    rowsOf("normalize", x);
    return x;
  },
  forward({ device, inputs: [x], params: { eps }, output: y }) {
    const { rows, n } = rowsOf("normalize", x.shape);
    const lengths = Tensor.empty(device, [rows]);
    forward(device, { rows, n }, [words(rows, n, f32Bits(eps)), x, y, lengths]);
    return lengths;
  },
  backward({ device, params: { eps }, output: y, saved: lengths, into }, dy) {
    const { rows, n } = rowsOf("normalize", y.shape);
    const dx = into(0);
    backward(device, { rows, n }, [words(rows, n, f32Bits(eps)), y, lengths, dy, dx]);
    return [dx];
  },
});

/**
 * x / max(|x|, eps) with the Euclidean length over the last axis. x f32 [..., n] -> [..., n]. NaN in a row makes it NaN.
 * torch.nn.functional.normalize(x, dim=-1, eps=eps).
 */
export const normalize = (x: Tensor, eps = 1e-12): Tensor => op([x], { eps });
