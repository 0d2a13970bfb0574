// Pictures with some of their patches replaced, for a person to look at: what a masked method hides, and what it makes of it.

import { IMAGENET_STATISTICS } from "../data/images.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { patchify, unpatchify } from "../engine/ops/patchify.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { where } from "../engine/ops/where.ts";
import { standardise } from "./standardise.ts";

/** Middle gray, in levels of 0 to 255. */
const GRAY = 128;

/** `filling` in place of the patches where `hidden` is not 0. images [B, H, W, 3], hidden [B, N], filling [B, N, 3 p p] -> [B, H, W, 3] */
export function fillPatches(images: Tensor, hidden: Tensor, filling: Tensor, patchSize: number): Tensor {
  const patches = patchify(images, patchSize);
  return unpatchify(where(reshape(hidden, [...hidden.shape, 1]), filling, patches), patchSize);
}

/** Standardised pictures with the patches where `hidden` is not 0 in middle gray. images [B, H, W, 3], hidden [B, N] */
export function grayPatches(images: Tensor, hidden: Tensor, patchSize: number): Tensor {
  const levels = Tensor.from(images.device, new Float32Array(3 * patchSize ** 2).fill(GRAY), [
    patchSize ** 2,
    3,
  ]);
  const gray = reshape(standardise(levels, IMAGENET_STATISTICS), [1, 1, 3 * patchSize ** 2]);
  return fillPatches(images, hidden, gray, patchSize);
}
