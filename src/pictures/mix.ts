import { kernel } from "../engine/gpu/kernel.ts";
import { words } from "../engine/gpu/words.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import type { Random } from "../engine/random.ts";
import gridWgsl from "../shaders/grid.wgsl";
import mixWgsl from "../shaders/mix.wgsl";

export interface MixOptions {
  /** Beta(alpha, alpha) of the share; 0 for none. timm's mixup_alpha and cutmix_alpha. */
  mixup: number;
  cutmix: number;
  /** Probability of cutmix where there are both. */
  switchProb: number;
}

/** Numbers of one batch: share of the own picture, box of the partner's, and the share of the own label. */
export const MIX_WIDTH = 6;

const WORKGROUP = 64;
const mixKernel = kernel("mix_pictures", [gridWgsl, mixWgsl], { WORKGROUP });

/**
 * How a batch is mixed, one way for all of it (timm's Mixup in batch mode, probability 1): mixup blends with share
 * λ ~ Beta(a, a); cutmix puts a box of sides int(S √(1 - λ)) of the partner in, its centre anywhere, cut off at the edge, and
 * the label's share follows the box that is left. -> [share, top, left, bottom, right, share of the label]
 */
export function drawMix({ mixup, cutmix, switchProb }: MixOptions, side: number, random: Random): number[] {
  const isCut = cutmix > 0 && (mixup === 0 || random.next() < switchProb);
  const alpha = isCut ? cutmix : mixup;
  if (alpha === 0) return [1, 0, 0, 0, 0, 1];
  const share = beta(alpha, random);
  if (!isCut) return [share, 0, 0, 0, 0, share];
  const cut = Math.trunc(side * Math.sqrt(1 - share));
  const edges = () => {
    const center = Math.floor(random.next() * side);
    const half = Math.floor(cut / 2);
    return [Math.max(0, center - half), Math.min(side, center + half)] as const;
  };
  const [top, bottom] = edges();
  const [left, right] = edges();
  return [1, top, left, bottom, right, 1 - ((bottom - top) * (right - left)) / (side * side)];
}

/** Beta(a, a) as g / (g + h) of two gamma variates. */
function beta(alpha: number, random: Random): number {
  const [g, h] = [gamma(alpha, random), gamma(alpha, random)];
  return g + h > 0 ? g / (g + h) : 0.5;
}

/** Gamma(shape, 1): Marsaglia & Tsang 2000, with the boost for shapes below 1. */
function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Mixes a batch with itself in reverse order. images [B, S, S, 3], numbers [MIX_WIDTH] of `drawMix` -> alike. */
export function mixPictures(images: Tensor, numbers: Tensor): Tensor {
  const [batch, height, width] = images.shape as [number, number, number, number];
  const y = Tensor.empty(images.device, images.shape);
  const sizes = words(images.size, batch, height, width);
  images.device.run(mixKernel, [sizes, images, numbers, y], Math.ceil(images.size / WORKGROUP));
  return y;
}
