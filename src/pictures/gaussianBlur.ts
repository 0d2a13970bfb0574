import { kernel } from "../engine/gpu/kernel.ts";
import { words } from "../engine/gpu/words.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import gaussianBlurWgsl from "../shaders/gaussianBlur.wgsl";
import gridWgsl from "../shaders/grid.wgsl";
import { type Augmentation, type ByView, checkProbability, probabilityAt } from "./augment.ts";

const WORKGROUP = 64;
const blurKernel = kernel("gaussian_blur", [gridWgsl, gaussianBlurWgsl], { WORKGROUP });

/** Times the largest deviation of the range: beyond that every Gaussian is cut off. */
const CUT = 3;

export interface GaussianBlurOptions {
  p: ByView;
  /** Range of the deviation, in pixels of the view. */
  sigma?: readonly [number, number];
}

/**
 * A Gaussian of random width with probability p. DINO's and MoCo v3's, which take Pillow's GaussianBlur, three passes of a
 * box that come near a Gaussian; this is the Gaussian itself, edges repeated, whatever its width cut off at three of the largest
 * deviations.
 */
export function gaussianBlur({ p, sigma: [low, high] = [0.1, 2] }: GaussianBlurOptions): Augmentation {
  checkProbability("gaussianBlur", p);
  return {
    stream: "blur",
    width: 1,
    draw(next, view) {
      const isBlurred = next() < probabilityAt(p, view);
      const deviation = low + next() * (high - low);
      return [isBlurred ? deviation : 0];
    },
    apply(images, drawn) {
      const { device, shape, size } = images;
      const [, height, width] = shape as [number, number, number, number];
      const reach = Math.ceil(CUT * high);
      const pass = (x: Tensor, side: number, stride: number): Tensor => {
        const y = Tensor.empty(device, shape);
        const sizes = words(size, 3 * height * width, side, stride, reach);
        device.run(blurKernel, [sizes, x, drawn, y], Math.ceil(size / WORKGROUP));
        return y;
      };
      return pass(pass(images, width, 3), height, 3 * width);
    },
  };
}
