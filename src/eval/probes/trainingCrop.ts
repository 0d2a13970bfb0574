/**
 * What the papers' probes see of a training picture, anew in every epoch: a random crop, and its mirror image half of the time. What
 * differs: a folder's pictures of different sizes were scaled and cut square when they were read, and the crop is drawn within the
 * square, where the papers draw it from the whole picture.
 */
import {
  flipDecision,
  type Range,
  randomResizedCrop,
  singleShotCrop,
  type Uniform,
} from "../../data/randomResizedCrop.ts";
import { crop, type Filter, mirrored, type Picture, resize } from "../../data/resize.ts";
import { Random } from "../../engine/random.ts";

export interface TrainingCrop {
  /** Drawn once and clamped to the picture, as MAE's program has it, or again until it fits, as torchvision's. */
  singleShot: boolean;
  filter: Filter;
}

const SCALE: Range = [0.08, 1];

/** Views for `EncodedRowsOptions.view`: pure functions of seed, epoch and picture. `count` pictures in all. */
export function trainingViews(
  how: TrainingCrop,
  { size, seed, count }: { size: number; seed: number; count: number },
): (picture: Picture, index: number, epoch: number) => Picture {
  return (picture, index, epoch) => {
    const random = new Random(seed, "crop", epoch * count + index);
    return trainingView(picture, how, size, () => random.next());
  };
}

/** One view of a picture, size x size. */
export function trainingView(
  picture: Picture,
  { singleShot, filter }: TrainingCrop,
  size: number,
  next: Uniform,
): Picture {
  const draw = singleShot ? singleShotCrop : randomResizedCrop;
  const { left, top, width, height } = draw(picture.width, picture.height, SCALE, undefined, next);
  const view = resize(crop(picture, left, top, width, height), size, size, filter);
  return flipDecision(0.5, next) ? { ...view, pixels: mirrored(view.pixels, view) } : view;
}
