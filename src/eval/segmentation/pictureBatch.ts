import type { ChannelStatistics } from "../../data/images.ts";
import { IGNORED } from "../../data/pixelSet.ts";
import type { LabelledPicture } from "../../data/segmentationCrop.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { Tensor } from "../../engine/graph/tensor.ts";
import { standardise } from "../../pictures/standardise.ts";
import type { Hold } from "../holding.ts";

/** A batch of labelled pictures of one size on the device, written anew before each run. */
export interface PictureBatch {
  /** Normalised pictures [B, H, W, 3]; called while a step is recorded. */
  images(): Tensor;
  /** u32 [B, H, W] */
  labels: Tensor;
  /**
   * Writes the first pictures of the batch, in queue order; the others keep what they had. A smaller one lies in the upper left
   * corner, and around it the picture is 0 once normalised and every label IGNORED.
   */
  write(pictures: readonly LabelledPicture[]): void;
}

export function pictureBatch(
  device: Device,
  { size, height, width }: { size: number; height: number; width: number },
  statistics: ChannelStatistics,
  hold: Hold,
): PictureBatch {
  const levels = new Float32Array(size * height * width * 3);
  const classes = new Uint32Array(size * height * width);
  const tensor = hold(Tensor.from(device, levels, [size, height, width, 3]));
  const labels = hold(Tensor.from(device, classes, [size, height, width], "u32"));
  const middle = statistics.mean.map((mean) => 255 * mean); // what becomes 0
  return {
    images: () => standardise(tensor, statistics),
    labels,
    write(pictures) {
      for (const [i, picture] of pictures.entries()) {
        const from = i * height * width;
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const inside = y < picture.height && x < picture.width;
            const [at, source] = [from + y * width + x, y * picture.width + x];
            classes[at] = inside ? picture.labels[source]! : IGNORED;
            for (let c = 0; c < 3; c++)
              levels[3 * at + c] = inside ? picture.pixels[3 * source + c]! : middle[c]!;
          }
        }
      }
      tensor.write(levels);
      labels.write(classes);
    },
  };
}
