import normalizeWgsl from "../../shaders/normalize.wgsl";
import { f32Bits, words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { Tensor } from "../graph/tensor.ts";
import { rowKernel, rowsOf } from "./reduce.ts";

const forward = rowKernel("normalize_forward", normalizeWgsl);
const backward = rowKernel("normalize_backward", normalizeWgsl);

const op = defineOp<[Tensor], { eps: number }, Tensor>({
  name: "normalize",
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
 * x / max(|x|, eps) with the Euclidean length over the last axis. x [..., n] -> [..., n].
 * torch.nn.functional.normalize(x, dim=-1, eps=eps).
 */
export const normalize = (x: Tensor, eps = 1e-12): Tensor => op([x], { eps });
