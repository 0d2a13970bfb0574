import { flatGroups } from "../engine/gpu/device.ts";
import { kernel } from "../engine/gpu/kernel.ts";
import { words } from "../engine/gpu/words.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import blendWgsl from "../shaders/blend.wgsl";
import gridWgsl from "../shaders/grid.wgsl";
import randAugmentWgsl from "../shaders/randAugment.wgsl";
import type { Augmentation } from "./augment.ts";

const WORKGROUP = 64;
const randAugmentKernel = kernel("rand_augment", [gridWgsl, blendWgsl, randAugmentWgsl], { WORKGROUP });

/** What an operation is given at a magnitude m of 0 to 10; `sign` is 1 or -1 by a coin. */
type Arguments = (m: number, sign: number) => readonly number[];

const enhance: Arguments = (m, sign) => [1 + 0.09 * m * sign];
const shear: Arguments = (m, sign) => [0.03 * m * sign];
const translate: Arguments = (m, sign) => [0.045 * m * sign]; // of the side

/** By name; the kernel's numbers of them count from 1, in this order. */
export const RAND_AUGMENT: Readonly<Record<string, Arguments>> = {
  autoContrast: () => [],
  equalize: () => [],
  invert: () => [],
  rotate(m, sign) {
    const angle = (sign * 3 * m * Math.PI) / 180;
    return [Math.cos(angle), Math.sin(angle)];
  },
  posterize: (m) => [2 ** (8 - (4 - Math.trunc(0.4 * m)))], // the distance of the levels that are left
  solarize: (m) => [256 - Math.trunc(25.6 * m)],
  solarizeAdd: (m) => [Math.min(128, Math.trunc(11 * m))],
  color: enhance,
  contrast: enhance,
  brightness: enhance,
  sharpness: enhance,
  shearX: shear,
  shearY: shear,
  translateX: translate,
  translateY: translate,
};

const ARGUMENTS = /* @__PURE__ */ Object.values(RAND_AUGMENT);
const TURNS = 2;
const PER_TURN = 3;
const CUBIC_TAPS = 4;
/** Of an operation that is chosen. */
const PROBABILITY = 0.5;

export interface RandAugmentOptions {
  /** Mean of the magnitude, 0 to 10. */
  magnitude: number;
  /** Its deviation; 0.5 when absent. */
  deviation?: number;
}

/**
 * Two of fifteen operations, with replacement, each with probability 1/2, at magnitudes from a normal cut to 0..10. timm's
 * `rand-m9-mstd0.5-inc1` (auto_augment.py; Cubuk et al. 2019, arXiv:1909.13719), all of its operations, bicubic. What differs:
 * levels between operations are not rounded to whole ones.
 */
export function randAugment({ magnitude, deviation = 0.5 }: RandAugmentOptions): Augmentation {
  return {
    stream: "randAugment",
    width: TURNS * PER_TURN,
    draw(next) {
      const turn = () => {
        const number = Math.floor(next() * ARGUMENTS.length);
        const isApplied = next() < PROBABILITY;
        const m = Math.min(10, Math.max(0, magnitude + deviation * normal(next)));
        const [a = 0, b = 0] = ARGUMENTS[number]!(m, next() < 0.5 ? 1 : -1);
        return isApplied ? [number + 1, a, b] : [0, 0, 0];
      };
      return Array.from({ length: TURNS }, turn).flat();
    },
    apply(images, drawn) {
      const { device, shape } = images;
      const [batch, height, width] = shape as [number, number, number];
      let levels = images;
      for (let turn = 0; turn < TURNS; turn++) {
        const y = Tensor.empty(device, shape);
        const sizes = words(batch, height, width, turn, CUBIC_TAPS);
        device.run(randAugmentKernel, [sizes, levels, drawn, y], flatGroups(batch));
        levels = y;
      }
      return levels;
    },
  };
}

/** One normal number of two uniform ones: Box and Muller. */
const normal = (next: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
