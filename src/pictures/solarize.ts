import { fill } from "../engine/graph/fill.ts";
import { relu, sub } from "../engine/ops/elementwise.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { where } from "../engine/ops/where.ts";
import { type Augmentation, type ByView, checkProbability, probabilityAt } from "./augment.ts";

/** Levels of 128 and above become 255 - level, with probability p. Pillow's ImageOps.solarize. */
export function solarize(p: ByView): Augmentation {
  checkProbability("solarize", p);
  return {
    stream: "solarize",
    width: 1,
    draw: (next, view) => [next() < probabilityAt(p, view) ? 1 : 0],
    apply(images, drawn) {
      const [batch] = images.shape as [number];
      const level = (value: number) => fill(images.device, [], value);
      const isDark = relu(sub(level(128), images)); // above 0 below 128
      const turned = where(isDark, images, sub(level(255), images));
      return where(reshape(drawn, [batch, 1, 1, 1]), turned, images);
    },
  };
}
