// Pictures as a masked autoencoder sees and completes them: He et al. 2022, arXiv:2111.06377, figure 2 and the demo of
// the official code. What differs: with norm-pix loss a prediction says nothing about a patch's own mean and
// deviation, so these are taken from the original patch.

import { IMAGENET_STATISTICS } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { forwardDecoder, forwardEncoder, keptTokens, type MaeConfig, randomMasking } from "../models/mae.ts";
import { holding } from "./holding.ts";

/** Three views of the same pictures, uint8 RGB, row-major [B, H, W, 3]. */
export interface Reconstruction {
  original: Uint8ClampedArray;
  /** Removed patches are middle gray. */
  masked: Uint8ClampedArray;
  /** Removed patches are the model's; visible ones are the original's. */
  reconstructed: Uint8ClampedArray;
}

const GRAY = 128;
/** Added to a target patch's variance, as in `targets` of models/mae.ts. */
const EPS = 1e-6;

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
    const { pred, mask } = device.tidy(() => {
      const masking = randomMasking(noise, keptTokens(config));
      const latent = forwardEncoder(params, config, images, masking);
      return { pred: forwardDecoder(params, config, latent, masking), mask: masking.mask };
    });
    for (const tensor of [pred, mask]) hold(tensor);
    return completePictures(config, {
      width: images.shape[2]!,
      images: await images.read(),
      pred: await pred.read(),
      mask: await mask.read(),
    });
  });
}

/** What `completePictures` works on, row-major. */
export interface Completion {
  /** Of a picture, in pixels. */
  width: number;
  /** [B, H, W, 3], normalised. */
  images: ArrayLike<number>;
  /** [B, N, p p 3]: the decoder's output. */
  pred: ArrayLike<number>;
  /** [B, N]: 1 where the patch was removed. */
  mask: ArrayLike<number>;
}

/**
 * Predictions to pictures: a removed patch is pred · sqrt(var + 1e-6) + mean of the target patch (unbiased variance)
 * with `normPixLoss`, pred as it is without; then colours are scaled back to 0..255.
 */
export function completePictures(
  { encoder, normPixLoss }: Pick<MaeConfig, "encoder" | "normPixLoss">,
  { width, images, pred, mask }: Completion,
): Reconstruction {
  const size = encoder.patchSize;
  const values = 3 * size * size;
  const columns = width / size;
  const result: Reconstruction = {
    original: new Uint8ClampedArray(images.length),
    masked: new Uint8ClampedArray(images.length),
    reconstructed: new Uint8ClampedArray(images.length),
  };
  for (let patch = 0; patch < mask.length; patch++) {
    // Rows of patches follow one another from picture to picture, as rows of pixels do.
    const corner = (Math.floor(patch / columns) * size * width + (patch % columns) * size) * 3;
    const place = (k: number): number => corner + Math.floor(k / (3 * size)) * width * 3 + (k % (3 * size));
    const { mean, deviation } = normPixLoss
      ? statistics(values, (k) => images[place(k)]!)
      : { mean: 0, deviation: 1 };
    for (let k = 0; k < values; k++) {
      const at = place(k);
      result.original[at] = toByte(images[at]!, k % 3);
      result.masked[at] = mask[patch] ? GRAY : result.original[at]!;
      const predicted = pred[patch * values + k]! * deviation + mean;
      result.reconstructed[at] = mask[patch] ? toByte(predicted, k % 3) : result.original[at]!;
    }
  }
  return result;
}

/** Mean and sqrt(unbiased variance + EPS) of `count` values. */
function statistics(count: number, valueAt: (k: number) => number): { mean: number; deviation: number } {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += valueAt(k);
  const mean = sum / count;
  let squares = 0;
  for (let k = 0; k < count; k++) squares += (valueAt(k) - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / (count - 1) + EPS) };
}

/** A normalised colour value in 0..255, not yet rounded; the clamped array does that. */
const toByte = (value: number, channel: number): number =>
  255 * (value * IMAGENET_STATISTICS.std[channel]! + IMAGENET_STATISTICS.mean[channel]!);
