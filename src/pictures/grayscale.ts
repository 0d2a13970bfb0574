import { Tensor } from "../engine/graph/tensor.ts";
import { mul } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { sum } from "../engine/ops/sum.ts";
import { where } from "../engine/ops/where.ts";
import { type Augmentation, type ByView, checkProbability, probabilityAt } from "./augment.ts";

/** Gray with probability p: .299 R + .587 G + .114 B in every channel. torchvision's RandomGrayscale. */
export function grayscale(p: ByView): Augmentation {
  checkProbability("grayscale", p);
  return {
    stream: "gray",
    width: 1,
    draw: (next, view) => [next() < probabilityAt(p, view) ? 1 : 0],
    apply(images, drawn) {
      const weights = Tensor.from(images.device, [0.299, 0.587, 0.114], [3]);
      const gray = sum(mul(images, weights), -1, true); // [B, H, W, 1]
      return where(reshape(drawn, [drawn.shape[0]!, 1, 1, 1]), gray, images);
    },
  };
}
