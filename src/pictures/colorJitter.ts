import { flatGroups } from "../engine/gpu/device.ts";
import { kernel } from "../engine/gpu/kernel.ts";
import { words } from "../engine/gpu/words.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import blendWgsl from "../shaders/blend.wgsl";
import colorJitterWgsl from "../shaders/colorJitter.wgsl";
import gridWgsl from "../shaders/grid.wgsl";
import { type Augmentation, type ByView, checkProbability, probabilityAt } from "./augment.ts";

export interface ColorJitterOptions {
  /** Each factor is drawn from [max(0, 1 - x), 1 + x]. */
  brightness: number;
  contrast: number;
  saturation: number;
  /** The turn of the hue is drawn from [-x, x] of the circle; at most 0.5. */
  hue: number;
  /** Probability that a picture is changed at all; one number or one by view. */
  p?: ByView;
}

const WORKGROUP = 64;
const jitterKernel = kernel("color_jitter", [gridWgsl, blendWgsl, colorJitterWgsl], { WORKGROUP });

/**
 * Brightness, contrast, saturation and hue by random factors in random order, hue in HSV. torchvision's ColorJitter under
 * RandomApply, on unrounded levels; gray is Pillow's .299 R + .587 G + .114 B.
 */
export function colorJitter(options: ColorJitterOptions): Augmentation {
  const { brightness, contrast, saturation, hue, p = 1 } = options;
  for (const [name, x] of Object.entries({ brightness, contrast, saturation })) {
    if (!(x >= 0 && x < Number.POSITIVE_INFINITY))
      throw new Error(`colorJitter: ${name} must be a finite number from 0; got ${x}`);
  }
  if (!(hue >= 0 && hue <= 0.5)) throw new Error(`colorJitter: hue must be in [0, 0.5]; got ${hue}`);
  checkProbability("colorJitter", p);
  return {
    stream: "color",
    width: 8,
    draw(next, view) {
      const isChanged = next() < probabilityAt(p, view);
      const factor = (x: number) => Math.max(0, 1 - x) + next() * (1 + x - Math.max(0, 1 - x));
      const factors = [factor(brightness), factor(contrast), factor(saturation), hue * (2 * next() - 1)];
      return [...(isChanged ? factors : [1, 1, 1, 0]), ...shuffled([0, 1, 2, 3], next)];
    },
    apply(images, drawn) {
      const { device, shape } = images;
      const batch = shape[0]!;
      const y = Tensor.empty(device, shape);
      const sizes = words(batch, images.size / batch / 3);
      device.run(jitterKernel, [sizes, images, drawn, y], flatGroups(batch));
      return y;
    },
  };
}

/** Fisher and Yates. */
function shuffled(items: number[], next: () => number): number[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
