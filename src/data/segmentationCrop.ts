/**
 * Random pieces of pictures with labelled pixels, as mmseg 0.x trains on (`Resize`, `RandomCrop`, `RandomFlip`,
 * `PhotoMetricDistortion`). What differs: shrinking is antialiased, as everywhere here, and a label is that of the pixel nearest
 * to the middle, where OpenCV takes the one up and left of it.
 */
import { photometricDistortion } from "./photometricDistortion.ts";
import { IGNORED } from "./pixelSet.ts";
import type { Uniform } from "./randomResizedCrop.ts";
import { crop as cropPicture, mirrored, type Picture, resize } from "./resize.ts";

/** A picture and the class of each of its pixels, [H, W]. */
export interface LabelledPicture extends Picture {
  labels: Uint16Array;
}

const SCALE = [0.5, 2] as const;
/** Share of the labelled pixels that one class may have in a crop, and how often another crop is tried. */
const MOST_OF_ONE = 0.75;
const TRIES = 10;

/**
 * Scaled by U(.5, 2), then a piece of `side` x `side`, or less where the picture has less, mirrored by a coin and with other
 * colours. A piece in which one class covers .75 of the labelled pixels or more is drawn again, up to ten times.
 */
export function segmentationCrop(picture: LabelledPicture, side: number, next: Uniform): LabelledPicture {
  const factor = SCALE[0] + (SCALE[1] - SCALE[0]) * next();
  const scaled = resizeLabelled(
    picture,
    Math.max(1, Math.floor(picture.width * factor + 0.5)),
    Math.max(1, Math.floor(picture.height * factor + 0.5)),
  );
  const [width, height] = [Math.min(side, scaled.width), Math.min(side, scaled.height)];
  const corner = (room: number): number => Math.floor(next() * (room + 1));
  const draw = () => {
    const top = corner(scaled.height - height);
    const left = corner(scaled.width - width);
    return { top, left, labels: cropLabels(scaled, left, top, width, height) };
  };
  let piece = draw();
  for (let i = 0; i < TRIES && !isMixed(piece.labels); i++) piece = draw();
  const { pixels } = cropPicture(scaled, piece.left, piece.top, width, height);
  const cut = { width, height, pixels, labels: piece.labels };
  const turned =
    next() < 0.5 ? { ...cut, pixels: mirrored(cut.pixels, cut), labels: mirrored(cut.labels, cut) } : cut;
  return { ...turned, ...photometricDistortion(turned, next) };
}

function resizeLabelled(picture: LabelledPicture, width: number, height: number): LabelledPicture {
  const labels = new Uint16Array(width * height);
  const nearest = (i: number, from: number, to: number): number => Math.floor(((i + 0.5) * from) / to);
  for (let y = 0; y < height; y++) {
    const row = nearest(y, picture.height, height) * picture.width;
    for (let x = 0; x < width; x++)
      labels[y * width + x] = picture.labels[row + nearest(x, picture.width, width)]!;
  }
  return { ...resize(picture, width, height, "bilinear"), labels };
}

function cropLabels(from: LabelledPicture, left: number, top: number, width: number, height: number) {
  const labels = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * from.width + left;
    labels.set(from.labels.subarray(start, start + width), y * width);
  }
  return labels;
}

/** Whether there are two classes, and none has too large a share. */
function isMixed(labels: Uint16Array): boolean {
  const counts = new Map<number, number>();
  for (const label of labels) if (label !== IGNORED) counts.set(label, (counts.get(label) ?? 0) + 1);
  const all = [...counts.values()];
  const total = all.reduce((sum, n) => sum + n, 0);
  return all.length > 1 && Math.max(...all) < MOST_OF_ONE * total;
}
