/** What one encoder knows of every pixel: linear segmentation, as the paper's tables 2 and 4 have it. */
import { IMAGENET_STATISTICS } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { ClassScore } from "../eval/segmentation/confusion.ts";
import type { SegmentationOptions } from "../eval/segmentation/recipe.ts";
import { linearSegmentation } from "../eval/segmentation/segmentation.ts";
import { pixelScores } from "./pixelScores.ts";
import { PIXEL_SCORES } from "./probes.ts";
import type { Readout, StudyEncoder } from "./readouts.ts";
import type { PixelTarget } from "./targets.ts";

/**
 * Three readouts of each target, by the small recipe. Guessing gives every pixel the most frequent class. mIoU of parts is also
 * given part by part.
 */
export async function readPixels(
  device: Device,
  { blocks }: Pick<StudyEncoder, "blocks">,
  targets: readonly PixelTarget[],
  {
    reading,
    ...options
  }: Pick<Readout, "reading"> & Pick<SegmentationOptions, "seed" | "updates" | "decayBias">,
): Promise<Readout[]> {
  const found: Readout[] = [];
  for (const { name: target, probe, test } of targets) {
    const result = await linearSegmentation(device, blocks, probe, test, {
      ...options,
      statistics: IMAGENET_STATISTICS,
    });
    const shares = pixelScores(result.pictures);
    for (const name of PIXEL_SCORES) {
      const { score, sums } = shares[name];
      const byPart = target === "parts" && name === "mIoU";
      found.push({
        ...{ target, reading, probe: name, score, floor: result.majority[name] },
        pictures: { items: sums.map(() => 1), sums },
        ...(byPart && { classes: ofEach(result.names, result.classes) }),
      });
    }
  }
  return found;
}

/** The IoU of every part that the test pictures have, as sums over its pixels. */
const ofEach = (names: readonly string[], scores: readonly ClassScore[]): NonNullable<Readout["classes"]> =>
  Object.fromEntries(
    scores.flatMap(({ iou, pixels }, c) =>
      pixels > 0 ? [[names[c]!, { items: pixels, sum: iou! * pixels }] as const] : [],
    ),
  );
