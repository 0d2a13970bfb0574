import type { ChannelStatistics } from "../data/images.ts";
import { centerCrop, type Picture, resizeShorterSide } from "../data/resize.ts";
import { compile } from "../engine/capture/compile.ts";
import type { Device } from "../engine/gpu/device.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import type { Hold } from "./holding.ts";

/** What turns normalised pictures [B, H, W, 3] into features [B, F]. */
export type Encode = (images: Tensor) => Tensor;

/** A frozen encoder on the device, ready for so many pictures at a time. */
export interface Encoding {
  /** What the latest run gave, [size, F]. */
  features: Tensor;
  /** Normalises pictures for the next run, `size` at most, on the CPU. Rows without a picture keep an earlier one. */
  prepare(pictures: Iterable<Picture>): void;
  /** Submits what was prepared; waits for nothing. */
  run(): void;
}

/** Compiles an encoder for batches of pictures [size, height, width, 3], normalised to (v / 255 - mean) / std. */
export async function openEncoding(
  device: Device,
  encode: Encode,
  { size, height, width }: { size: number; height: number; width: number },
  statistics: ChannelStatistics,
  hold: Hold,
): Promise<Encoding> {
  const batch = new Float32Array(size * height * width * 3);
  const table = normalisation(statistics);
  const images = hold(Tensor.from(device, batch, [size, height, width, 3]));
  const step = hold(await compile(device, () => ({ features: encode(images) })));
  const { features } = step.outputs;
  if (features.shape.length !== 2 || features.shape[0] !== size) {
    throw new Error(
      `extractFeatures: encode must turn [${images.shape}] into [${size}, F]; got [${features.shape}]`,
    );
  }
  return {
    features,
    prepare(pictures) {
      let at = 0;
      for (const { pixels } of pictures) {
        for (let j = 0; j < pixels.length; j++) batch[at + j] = table[j % 3]![pixels[j]!]!;
        at += height * width * 3;
      }
    },
    run() {
      images.write(batch);
      step.run();
    },
  };
}

/** (v / 255 - mean) / std for each channel and each of the 256 bytes. */
const normalisation = ({ mean, std }: ChannelStatistics): Float32Array[] =>
  [0, 1, 2].map((c) => Float32Array.from({ length: 256 }, (_, v) => (v / 255 - mean[c]!) / std[c]!));

/** The side of pictures before their middle `size` x `size` is cut out, as the papers have it: 256 for 224. */
export const sideBeforeCrop = (size: number): number => Math.round((size * 256) / 224);

/**
 * The papers' evaluation crop: shorter side to `sideBeforeCrop` (bicubic), then the middle size x size. A picture that
 * has the size already stays as it is.
 */
export function fitPicture(picture: Picture, size: number): Picture {
  if (picture.width === size && picture.height === size) return picture;
  return centerCrop(resizeShorterSide(picture, sideBeforeCrop(size)), size);
}
