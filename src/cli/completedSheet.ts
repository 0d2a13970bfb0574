import type { ImageSet } from "../data/images.ts";
import type { MaeConfig } from "../models/mae.ts";
import type { Trainer } from "../train/trainer.ts";
import { completed } from "./report/pictures.ts";
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
