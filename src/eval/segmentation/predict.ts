/** What a trained segmentation head says of each pixel: of a whole picture at once, or of overlapping windows. */
import type { ChannelStatistics } from "../../data/images.ts";
import type { PixelSet } from "../../data/pixelSet.ts";
import { compile } from "../../engine/capture/compile.ts";
import type { Device } from "../../engine/gpu/device.ts";
import type { Parameters } from "../../engine/graph/parameters.ts";
import type { Tensor } from "../../engine/graph/tensor.ts";
import { concat } from "../../engine/ops/concat.ts";
import { add } from "../../engine/ops/elementwise.ts";
import { argmax } from "../../engine/ops/max.ts";
import { pad } from "../../engine/ops/pad.ts";
import { slice } from "../../engine/ops/slice.ts";
import { holding } from "../holding.ts";
import type { BlockEncoder } from "./blockTokens.ts";
import { ConfusionMatrix, type PixelTotals } from "./confusion.ts";
import { labelledPicture } from "./feed.ts";
import { MOST_LOGITS, segmentationLogits } from "./head.ts";
import { pictureBatch } from "./pictureBatch.ts";

/** Side of the windows of a test and the step between them, in pixels. */
export interface Windows {
  side: number;
  stride: number;
}

/** Windows that the encoder sees at once; changes time and memory alone. */
const MOST_WINDOWS = 64;

/** Where windows begin along an axis: at every stride, the last one moved back so that it ends with the picture. */
export function windowStarts(length: number, side: number, stride: number): number[] {
  const steps = Math.ceil((length - side) / stride);
  return Array.from({ length: steps + 1 }, (_, i) => Math.min(i * stride, length - side));
}

/** Size of the windows of a picture, and their corners; one window, the whole of it, without. */
function testWindows({ height, width }: { height: number; width: number }, windows: Windows | null) {
  const { side, stride } = windows ?? { side: Math.max(height, width), stride: 1 };
  const size = { height: Math.min(side, height), width: Math.min(side, width) };
  const places = windowStarts(height, size.height, stride).flatMap((top) =>
    windowStarts(width, size.width, stride).map((left) => ({ top, left })),
  );
  return { size, places };
}

/**
 * Logits of pixels, those of overlapping windows added up: the paper divides by their number, which changes no maximum.
 * images [B, H, W, 3] -> [B, H, W, K]
 */
export function windowLogits(
  encoder: BlockEncoder,
  head: Parameters,
  images: Tensor,
  windows: Windows | null,
): Tensor {
  const [batch, height, width] = images.shape as [number, number, number];
  const { size, places } = testWindows({ height, width }, windows);
  const pieces = places.map(({ top, left }) =>
    slice(slice(images, 1, top, top + size.height), 2, left, left + size.width),
  );
  const logits = segmentationLogits(
    head,
    encoder.encode(pieces.length === 1 ? pieces[0]! : concat(pieces, 0)),
    size,
  );
  if (places.length === 1) return logits;
  return places
    .map(({ top, left }, i) =>
      pad(slice(logits, 0, i * batch, (i + 1) * batch), [
        [0, 0],
        [top, height - top - size.height],
        [left, width - left - size.width],
        [0, 0],
      ]),
    )
    .reduce((sum, piece) => add(sum, piece));
}

/** Every pixel of a set, by its label and by the class that is said of it: the totals of each picture. */
export async function segmentationTest(
  device: Device,
  encoder: BlockEncoder,
  head: Parameters,
  set: PixelSet,
  options: {
    statistics: ChannelStatistics;
    windows: Windows | null;
    onProgress?: (done: number, count: number) => void;
  },
): Promise<PixelTotals[]> {
  const { statistics, windows, onProgress } = options;
  const { count, height, width } = set;
  const classes = set.pixelClasses.length;
  const found: PixelTotals[] = [];
  const { places } = testWindows(set, windows);
  const room = Math.min(MOST_WINDOWS / places.length, MOST_LOGITS / (height * width * classes));
  const size = Math.min(count, Math.max(1, Math.floor(room)));
  return holding(async (hold) => {
    const batch = pictureBatch(device, { size, height, width }, statistics, hold);
    const step = hold(
      await compile(device, () => ({
        said: argmax(windowLogits(encoder, head, batch.images(), windows), -1),
      })),
    );
    for (let start = 0; start < count; start += size) {
      const here = Array.from({ length: Math.min(size, count - start) }, (_, i) =>
        labelledPicture(set, start + i),
      );
      batch.write(here);
      const said = await step.run().said.read();
      here.forEach(({ labels }, i) => {
        const confusion = new ConfusionMatrix(classes);
        confusion.add(labels, said.subarray(i * labels.length, (i + 1) * labels.length));
        found.push(confusion.totals());
      });
      onProgress?.(start + here.length, count);
    }
    return found;
  });
}
