import type { ChannelStatistics } from "../data/images.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { div, scale, sub } from "../engine/ops/elementwise.ts";

/** (level / 255 - mean) / std by channel: torchvision's ToTensor and Normalize. images [..., 3] -> [..., 3]. */
export function standardise(images: Tensor, { mean, std }: ChannelStatistics): Tensor {
  const of = (values: readonly number[]) => Tensor.from(images.device, values, [3]);
  return div(sub(scale(images, 1 / 255), of(mean)), of(std));
}
