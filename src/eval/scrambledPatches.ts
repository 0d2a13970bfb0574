/**
 * Pictures whose patches lie at random places: so the official programs of "Understanding Self-Supervised Pretraining with Part-Aware
 * Representation Learning" (arXiv 2301.11915; vits.py) show them to MAE in retrieval, part classification and search, as its class
 * there permutes the patches before positions are added. A patch is embedded on its own, so that permuting those of the picture is the
 * same. What differs: a picture has one permutation, where the programs draw another at each call.
 */
import { type ImageSet, pictureAt } from "../data/images.ts";
import { Random } from "../engine/random.ts";
import type { VitConfig } from "../models/vit.ts";
import { fitPicture } from "./encoding.ts";

/** The pictures at the encoder's size, each with its patches in an order of its own: a pure function of (seed, index). */
export function scrambledPatches(
  images: ImageSet,
  { imageSize, patchSize }: Pick<VitConfig, "imageSize" | "patchSize">,
  seed: number,
): ImageSet {
  const perSide = imageSize / patchSize;
  const bytes = 3 * imageSize ** 2;
  const pixels = new Uint8Array(images.count * bytes);
  /** Where row y of a patch begins. */
  const startOf = (patch: number, y: number): number => {
    const [row, column] = [Math.floor(patch / perSide), patch % perSide];
    return 3 * ((row * patchSize + y) * imageSize + column * patchSize);
  };
  for (let i = 0; i < images.count; i++) {
    const { pixels: whole } = fitPicture(pictureAt(images, i), imageSize);
    for (const [to, from] of new Random(seed, "mask", i).permutation(perSide ** 2).entries()) {
      for (let y = 0; y < patchSize; y++) {
        const start = startOf(from, y);
        pixels.set(whole.subarray(start, start + 3 * patchSize), i * bytes + startOf(to, y));
      }
    }
  }
  return { ...images, width: imageSize, height: imageSize, pixels };
}
