import { checkDTypes, FLOAT } from "../graph/takes.ts";
import type { Tensor } from "../graph/tensor.ts";
import { linear } from "./linear.ts";
import { reshape } from "./reshape.ts";
import { unfold } from "./unfold.ts";

/**
 * Convolution at every pixel, zeros beyond the edges, so that pictures keep their size: the window around a pixel times the
 * weights. x [B, H, W, in], weight [out, k, k, in] with odd k, bias [out], all f32 -> [B, H, W, out].
 * torch.nn.functional.conv2d with padding (k - 1) / 2 and channels last; its weight is [out, in, k, k]. The windows take
 * k² times the memory of x while they are multiplied; none where k is 1.
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inputs = bias ? [x, weight, bias] : [x, weight];
  checkDTypes("conv2d", { x: FLOAT, weight: FLOAT, bias: FLOAT }, inputs);
  const [out, k, across, width] = weight.shape as [number, number, number, number];
  const fits = x.shape.length === 4 && weight.shape.length === 4 && k === across && k % 2 === 1;
  if (!fits || x.shape[3] !== width || (bias && `${bias.shape}` !== `${[out]}`)) {
    const given = inputs.map(({ shape }) => `[${shape}]`).join(", ");
    throw new Error(
      `conv2d: needs x [B, H, W, in], weight [out, k, k, in] with odd k and bias [out]; got ${given}`,
    );
  }
  const windows = k === 1 ? x : unfold(x, k);
  return linear(windows, reshape(weight, [out, k * k * width]), bias);
}
