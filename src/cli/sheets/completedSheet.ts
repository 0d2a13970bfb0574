import { IMAGENET_STATISTICS, type ImageSet } from "../../data/images.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { Random } from "../../engine/random.ts";
import { type Reconstruction, reconstruct } from "../../eval/reconstruct.ts";
import type { MaeConfig } from "../../models/mae.ts";
import { gridOf } from "../../models/vit.ts";
import type { Trainer } from "../../train/trainer.ts";
import { lineHeight, Sheet } from "./sheet.ts";

const TILE = 128;
const GAP = 8;
const MARGIN = 24;
const HEADING = 2;

/** A row for each picture: the picture, what the encoder was shown of it, and what the model made of that; a PNG. */
export async function completedSheet(
  trainer: Trainer,
  config: MaeConfig,
  images: ImageSet,
): Promise<Uint8Array> {
  const views = await completed(trainer, config, images);
  const columns = Object.entries({
    picture: views.original,
    shown: views.masked,
    completed: views.reconstructed,
  });
  const top = MARGIN + lineHeight(HEADING) + GAP;
  const at = (i: number): number => i * (TILE + GAP);
  const sheet = new Sheet(2 * MARGIN + at(columns.length) - GAP, top + at(images.count) - GAP + MARGIN);
  const { width, height } = images;
  for (const [column, [heading, pixels]] of columns.entries()) {
    sheet.write(heading, MARGIN + at(column), MARGIN, HEADING);
    for (let i = 0; i < images.count; i++) {
      const own = Uint8Array.from(pixels.subarray(i * width * height * 3, (i + 1) * width * height * 3));
      sheet.put({ width, height, pixels: own }, MARGIN + at(column), top + at(i), TILE);
    }
  }
  return sheet.png();
}

/** Pictures as the trained autoencoder sees and completes them. */
async function completed(
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

/** uint8 RGB -> (v / 255 - mean) / std by channel. */
function normalised(pixels: Uint8Array): Float32Array {
  const { mean, std } = IMAGENET_STATISTICS;
  return Float32Array.from(pixels, (v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!);
}
