/**
 * The geometry of random crops, on its own so that it can be held against PyTorch.
 * torchvision `RandomResizedCrop.get_params` (retry loop) and MAE `util/crop.py` (single shot).
 * Uniforms are taken in torchvision's order: area, aspect ratio, top, left. What differs: everything is f64,
 * torchvision holds the logarithms of `ratio` in f32.
 */
import { roundHalfEven } from "./resize.ts";

/** A rectangle in whole pixels. */
export interface CropBox {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** A source of numbers in [0, 1). */
export type Uniform = () => number;

export type Range = readonly [number, number];

const DEFAULT_RATIO: Range = [3 / 4, 4 / 3];
const TRIES = 10;

/**
 * Up to ten tries: area = U(scale) x width x height, aspect = exp U(log ratio), w = round sqrt(area aspect),
 * h = round sqrt(area / aspect); the first that fits gets a uniform corner. Otherwise the largest central
 * crop whose aspect ratio is inside `ratio`. `scale` is a share of the area, `ratio` is width / height.
 */
export function randomResizedCrop(
  width: number,
  height: number,
  scale: Range,
  ratio: Range | undefined,
  next: Uniform,
): CropBox {
  const bounds = ratio ?? DEFAULT_RATIO;
  check(width, height, scale, bounds);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const size = drawSize(width, height, scale, bounds, next);
    if (size.width > 0 && size.width <= width && size.height > 0 && size.height <= height) {
      return place(width, height, size, next);
    }
  }
  return centralCrop(width, height, bounds);
}

/**
 * One draw, clamped to the picture instead of tried again ("TF-style"); MAE's and CAE's probes use it.
 * Tiny pictures may round a side to 0, which is raised to 1.
 */
export function singleShotCrop(
  width: number,
  height: number,
  scale: Range,
  ratio: Range | undefined,
  next: Uniform,
): CropBox {
  const bounds = ratio ?? DEFAULT_RATIO;
  check(width, height, scale, bounds);
  const size = drawSize(width, height, scale, bounds, next);
  const clamped = {
    width: Math.max(1, Math.min(size.width, width)),
    height: Math.max(1, Math.min(size.height, height)),
  };
  return place(width, height, clamped, next);
}

/** Whether to mirror a picture: true with `probability` (torchvision: `torch.rand(1) < p`). */
export const flipDecision = (probability: number, next: Uniform): boolean => next() < probability;

function check(width: number, height: number, scale: Range, ratio: Range): void {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new Error(`randomResizedCrop: the picture needs a whole size; got ${width} x ${height}.`);
  }
  if (!(0 < scale[0] && scale[0] <= scale[1] && scale[1] <= 1)) {
    throw new Error(
      `randomResizedCrop: scale must satisfy 0 < low <= high <= 1; got [${scale.join(", ")}]. ` +
        "It is a share of the area, not a side.",
    );
  }
  if (!(0 < ratio[0] && ratio[0] <= ratio[1] && ratio[1] < Number.POSITIVE_INFINITY)) {
    throw new Error(`randomResizedCrop: ratio must satisfy 0 < low <= high; got [${ratio.join(", ")}].`);
  }
}

function drawSize(width: number, height: number, scale: Range, ratio: Range, next: Uniform) {
  const area = width * height * between(scale[0], scale[1], next());
  const aspect = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1]), next()));
  return {
    width: roundHalfEven(Math.sqrt(area * aspect)),
    height: roundHalfEven(Math.sqrt(area / aspect)),
  };
}

/** A corner uniform over all whole positions that keep the rectangle inside. */
function place(
  width: number,
  height: number,
  size: { width: number; height: number },
  next: Uniform,
): CropBox {
  const top = Math.floor(next() * (height - size.height + 1));
  const left = Math.floor(next() * (width - size.width + 1));
  return { top, left, height: size.height, width: size.width };
}

function centralCrop(width: number, height: number, ratio: Range): CropBox {
  const aspect = width / height;
  let w = width;
  let h = height;
  if (aspect < ratio[0]) h = Math.max(1, Math.min(height, roundHalfEven(width / ratio[0])));
  else if (aspect > ratio[1]) w = Math.max(1, Math.min(width, roundHalfEven(height * ratio[1])));
  return { top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2), height: h, width: w };
}

const between = (low: number, high: number, u: number): number => low + (high - low) * u;
