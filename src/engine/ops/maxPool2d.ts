import type { Tensor } from "../graph/tensor.ts";
import { max } from "./max.ts";
import { reshape } from "./reshape.ts";

/**
 * The largest value of each square of p x p pixels. x [B, H, W, C] of any dtype -> [B, H/p, W/p, C]. Of equal ones the
 * gradient goes to the first by rows; NaN counts as the largest. torch.nn.functional.max_pool2d(x, p) with channels last,
 * but that p must divide H and W.
 */
export function maxPool2d(x: Tensor, p: number): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (x.shape.length !== 4 || !Number.isInteger(p) || p < 1 || height % p !== 0 || width % p !== 0) {
    throw new Error(`maxPool2d: needs x [B, H, W, C] with H and W multiples of p; got x [${x.shape}], ${p}`);
  }
  const [rows, columns] = [height / p, width / p];
  const across = max(reshape(x, [batch, height, columns, p, channels]), 3); // rows later: the first by rows wins a tie
  return max(reshape(across, [batch, rows, p, columns, channels]), 2);
}
