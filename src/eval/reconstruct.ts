// Pictures as a masked autoencoder sees and completes them: He et al. 2022, arXiv:2111.06377, figure 2 and the demo of
// the official code.

import { toLevels } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import {
  completedPictures,
  forwardDecoder,
  forwardEncoder,
  keptTokens,
  type MaeConfig,
  randomMasking,
} from "../models/mae.ts";
import { grayPatches } from "../pictures/fillPatches.ts";
import { holding } from "./holding.ts";

/** Three views of the same pictures, uint8 RGB, row-major [B, H, W, 3]. */
export interface Reconstruction {
  original: Uint8ClampedArray;
  /** Removed patches are middle gray. */
  masked: Uint8ClampedArray;
  /** Removed patches are the model's; visible ones are the original's. */
  reconstructed: Uint8ClampedArray;
}

/**
 * Masks pictures and lets the model complete them. images [B, H, W, 3] normalised with ImageNet's channel statistics,
 * noise [B, N] as for `mae`: the patches with the least noise stay visible.
 */
export async function reconstruct(
  device: Device,
  params: Parameters,
  config: MaeConfig,
  images: Tensor,
  noise: Tensor,
): Promise<Reconstruction> {
  return holding(async (hold) => {
    const { masked, completed } = device.tidy(() => {
      const masking = randomMasking(noise, keptTokens(config));
      const latent = forwardEncoder(params, config, images, masking);
      const pred = forwardDecoder(params, config, latent, masking);
      return {
        masked: grayPatches(images, masking.mask, config.encoder.patchSize),
        completed: completedPictures(config, images, pred, masking.mask),
      };
    });
    for (const tensor of [masked, completed]) hold(tensor);
    return {
      original: toLevels(await images.read()),
      masked: toLevels(await masked.read()),
      reconstructed: toLevels(await completed.read()),
    };
  });
}
