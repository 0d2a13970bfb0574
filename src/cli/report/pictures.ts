import { bytesPerImage, type ImageSet, splitAt } from "../../data/images.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { Random } from "../../engine/random.ts";
import { reconstruct } from "../../eval/reconstruct.ts";
import type { MaeConfig } from "../../models/mae.ts";
import { gridOf } from "../../models/vit.ts";
import type { Trainer } from "../../train/trainer.ts";
import { normalised } from "./compare.ts";
import type { PictureRow } from "./data.ts";
import { encodePng } from "./png.ts";

/** The first `count` pictures of a set as the trained autoencoder sees and completes them. */
export async function completedPictures(
  { device, trained, settings }: Trainer,
  config: MaeConfig,
  set: ImageSet,
  count: number,
): Promise<PictureRow[]> {
  const [few] = splitAt(set, Math.min(count, set.count));
  const { width, height, labels, classes } = few;
  const patches = gridOf(config.encoder) ** 2;
  const random = new Random(settings.seed, "mask", settings.totalSteps); // a step that training does not reach
  const noise = new Float32Array(few.count * patches);
  random.fillUniform(noise, 0, 1);
  const images = Tensor.from(device, normalised(few.pixels), [few.count, height, width, 3]);
  const masks = Tensor.from(device, noise, [few.count, patches]);
  const completed = await reconstruct(device, trained, config, images, masks);
  images.dispose();
  masks.dispose();
  const size = bytesPerImage(few);
  const png = (pixels: Uint8ClampedArray, i: number): Uint8Array =>
    encodePng(width, height, pixels.subarray(i * size, (i + 1) * size));
  return Array.from(labels, (label, i) => ({
    label: classes[label]!,
    original: png(completed.original, i),
    masked: png(completed.masked, i),
    reconstructed: png(completed.reconstructed, i),
  }));
}
