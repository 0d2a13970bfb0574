import { IMAGENET_STATISTICS } from "../data/images.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { add, mul } from "../engine/ops/elementwise.ts";

/** How far DALL-E's encoder has its pixels from 0 and 1 (dall_e/utils.py, logit_laplace_eps). */
const MARGIN = 0.1;

/** .8 x + .1 of pixels x from 0 to 1, out of pictures standardised by ImageNet's statistics. images [..., 3] -> [..., 3]. */
export function mapPixels(images: Tensor): Tensor {
  const { mean, std } = IMAGENET_STATISTICS;
  const span = 1 - 2 * MARGIN;
  const of = (values: readonly number[]) => Tensor.from(images.device, values, [3]);
  return add(mul(images, of(std.map((x) => span * x))), of(mean.map((x) => span * x + MARGIN)));
}
