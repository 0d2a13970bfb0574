import { bytesPerImage, IMAGENET_STATISTICS, type ImageSet, splitAt } from "../../data/images.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { Random } from "../../engine/random.ts";
import { type Reconstruction, reconstruct } from "../../eval/reconstruct.ts";
import type { MaeConfig } from "../../models/mae.ts";
import { gridOf } from "../../models/vit.ts";
import { type Items, picturesOf } from "../../study/targets.ts";
import type { Trainer } from "../../train/trainer.ts";
import { encodePng } from "../png.ts";
import type { CompletedPicture, CutPicture } from "./data.ts";

/** The first `count` pictures of a set, each with the crops that are from it. */
export function cutPictures(objects: Items, crops: Items, count: number): CutPicture[] {
  const origins = picturesOf(crops);
  return Array.from({ length: Math.min(count, objects.count) }, (_, picture) => ({
    label: labelOf(objects, picture),
    picture: pngOf(objects, picture),
    crops: [...origins.keys()]
      .filter((crop) => origins[crop] === picture)
      .map((crop) => ({ part: labelOf(crops, crop), picture: pngOf(crops, crop) })),
  }));
}

/** Pictures as the trained autoencoder sees and completes them. */
export async function completed(
  { device, trained, settings }: Trainer,
  config: MaeConfig,
  few: ImageSet,
): Promise<Reconstruction> {
  const { width, height } = few;
  const patches = gridOf(config.encoder) ** 2;
  const random = new Random(settings.seed, "mask", settings.totalSteps); // a step that training does not reach
  const noise = new Float32Array(few.count * patches);
  random.fillUniform(noise, 0, 1);
  const images = Tensor.from(device, normalised(few.pixels), [few.count, height, width, 3]);
  const masks = Tensor.from(device, noise, [few.count, patches]);
  const views = await reconstruct(device, trained, config, images, masks);
  images.dispose();
  masks.dispose();
  return views;
}

/** The same for the first `count` pictures of a set, each view a PNG file. */
export async function completedPictures(
  trainer: Trainer,
  config: MaeConfig,
  set: ImageSet,
  count: number,
): Promise<CompletedPicture[]> {
  const [few] = splitAt(set, Math.min(count, set.count));
  const { width, height } = few;
  const views = await completed(trainer, config, few);
  return Array.from({ length: few.count }, (_, i) => ({
    label: labelOf(few, i),
    original: pngOf({ width, height, pixels: views.original }, i),
    masked: pngOf({ width, height, pixels: views.masked }, i),
    reconstructed: pngOf({ width, height, pixels: views.reconstructed }, i),
  }));
}

const labelOf = ({ labels, classes }: ImageSet, i: number): string => classes[labels[i]!]!;

/** Picture `i` of a set as a PNG file. */
function pngOf(
  set: Pick<ImageSet, "width" | "height"> & { pixels: Uint8Array | Uint8ClampedArray },
  i: number,
): Uint8Array {
  const size = bytesPerImage(set);
  return encodePng(set.width, set.height, set.pixels.subarray(i * size, (i + 1) * size));
}

/** uint8 RGB -> (v / 255 - mean) / std by channel. */
function normalised(pixels: Uint8Array): Float32Array {
  const { mean, std } = IMAGENET_STATISTICS;
  return Float32Array.from(pixels, (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!);
}
