import { centerCrop, type Picture } from "./resize.ts";

/** A labelled set of equally sized pictures in memory. */
export interface ImageSet {
  name: string;
  width: number;
  height: number;
  count: number;
  /** uint8 RGB, row-major [count, height, width, 3]. */
  pixels: Uint8Array;
  /** Class index of each picture [count], or -1 where there is no label. */
  labels: Int32Array;
  /** Class names; `labels[i]` indexes this list. */
  classes: readonly string[];
}

/** Mean and standard deviation of each colour channel, of values scaled to 0..1. */
export interface ChannelStatistics {
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** ImageNet's channel statistics, as every ImageNet-trained torchvision and timm model expects them. */
export const IMAGENET_STATISTICS: ChannelStatistics = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** CIFAR-10's customary constants. The deviations are averages of per-picture ones, not of all pixels. */
export const CIFAR10_STATISTICS: ChannelStatistics = {
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.2023, 0.1994, 0.201],
};

/** CIFAR-100's customary constants (all pixels of the training set). */
export const CIFAR100_STATISTICS: ChannelStatistics = {
  mean: [0.50708, 0.48655, 0.44092],
  std: [0.26733, 0.25644, 0.27615],
};

/** Standardised pictures [..., 3] as bytes: what `standardise` of their levels gave `values`. */
export function toLevels(values: ArrayLike<number>, { mean, std } = IMAGENET_STATISTICS): Uint8ClampedArray {
  return Uint8ClampedArray.from(values, (value, i) => 255 * (value * std[i % 3]! + mean[i % 3]!));
}

/** Bytes of one picture: height x width x 3. */
export const bytesPerImage = (set: Pick<ImageSet, "width" | "height">): number => set.width * set.height * 3;

/** Bytes of pixels that one array of the host may have; more has no chance on a GPU either. */
const MOST_PIXEL_BYTES = 2 ** 32;

/** Whether the pixels of so many pictures of a size fit in one array. */
export const fitsPixels = (count: number, size: Pick<ImageSet, "width" | "height">): boolean =>
  count * bytesPerImage(size) <= MOST_PIXEL_BYTES;

/** Throws unless `fitsPixels`. */
export function checkPixelBytes(
  where: string,
  count: number,
  size: Pick<ImageSet, "width" | "height">,
): void {
  const each = bytesPerImage(size);
  if (fitsPixels(count, size)) return;
  const most = Math.floor(MOST_PIXEL_BYTES / each);
  const limit = most > 0 ? `--limit ${most} or less, or a smaller --data-size` : "a smaller --data-size";
  throw new Error(
    `${where}: the pixels must take at most ${MOST_PIXEL_BYTES} bytes; ${count} pictures of ${size.width} x ${size.height} ` +
      `need ${count * each}. Use ${limit}`,
  );
}

/** Picture i of a set; its pixels are the set's. */
export function pictureAt(images: Pick<ImageSet, "width" | "height" | "pixels">, i: number): Picture {
  const { width, height, pixels } = images;
  const size = bytesPerImage(images);
  return { width, height, pixels: pixels.subarray(i * size, (i + 1) * size) };
}

/** Returns `set` unchanged if its arrays, sizes and labels agree with one another; throws otherwise. */
export function checkImageSet<S extends ImageSet>(set: S): S {
  const { name, width, height, count, pixels, labels, classes } = set;
  for (const [key, value] of Object.entries({ width, height, count })) {
    if (!Number.isInteger(value) || value < (key === "count" ? 0 : 1)) {
      throw new Error(`${name}: ${key} must be a positive integer; got ${value}.`);
    }
  }
  const bytes = count * bytesPerImage(set);
  if (pixels.length !== bytes) {
    throw new Error(
      `${name}: pixels [${count}, ${height}, ${width}, 3] need ${bytes} bytes; got ${pixels.length}. ` +
        "Are the pictures RGB without alpha?",
    );
  }
  if (labels.length !== count) {
    throw new Error(`${name}: labels need one value per picture, ${count}; got ${labels.length}.`);
  }
  const wrong = labels.findIndex((label) => label < -1 || label >= classes.length);
  if (wrong >= 0) {
    throw new Error(
      `${name}: labels must be -1 or an index into ${classes.length} classes; ` +
        `got ${labels[wrong]} for picture ${wrong}. Do the labels start at 1?`,
    );
  }
  return set;
}

/** Copies pictures and labels out of a set, a batch for example: indices [B] -> pixels [B, H, W, 3], labels [B]. */
export function gather(
  set: ImageSet,
  indices: ArrayLike<number>,
): Pick<ImageSet, "count" | "pixels" | "labels"> {
  const size = bytesPerImage(set);
  const pixels = new Uint8Array(indices.length * size);
  const labels = new Int32Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]!;
    if (!Number.isInteger(from) || from < 0 || from >= set.count) {
      throw new Error(`gather: indices must be integers in [0, ${set.count}); got ${from} at position ${i}.`);
    }
    pixels.set(set.pixels.subarray(from * size, (from + 1) * size), i * size);
    labels[i] = set.labels[from]!;
  }
  return { count: indices.length, pixels, labels };
}

/** The pictures at `indices`, in that order, as a set of its own. */
export function subset(set: ImageSet, indices: ArrayLike<number>, name = set.name): ImageSet {
  return { ...pictureFields(set), name, ...gather(set, indices) };
}

/**
 * Cuts a set in two without copying: the first `count` pictures and the rest, as views of the same pixels.
 * Classes that come in blocks need a shuffle first (`subset` with `permutation`).
 */
export function splitAt(set: ImageSet, count: number): [ImageSet, ImageSet] {
  if (!Number.isInteger(count) || count < 0 || count > set.count) {
    throw new Error(`splitAt: count must be an integer in [0, ${set.count}]; got ${count}.`);
  }
  const size = bytesPerImage(set);
  const part = (from: number, to: number): ImageSet => ({
    ...pictureFields(set),
    name: set.name,
    count: to - from,
    pixels: set.pixels.subarray(from * size, to * size),
    labels: set.labels.subarray(from, to),
  });
  return [part(0, count), part(count, set.count)];
}

/**
 * mean_c = sum x_c / n and std_c = sqrt(sum (x_c - mean_c)^2 / n) over all pixels of all pictures, x in 0..1.
 * Sums are integers below 2^53, so the result does not depend on the order of addition.
 */
export function channelStatistics(set: ImageSet): ChannelStatistics {
  if (set.count === 0) throw new Error(`channelStatistics: ${set.name} must hold a picture; got 0.`);
  const sum = [0, 0, 0];
  const squares = [0, 0, 0];
  for (let i = 0; i < set.pixels.length; i += 3) {
    for (let c = 0; c < 3; c++) {
      const x = set.pixels[i + c]!;
      sum[c]! += x;
      squares[c]! += x * x;
    }
  }
  const n = set.pixels.length / 3;
  const mean = sum.map((s) => s / n / 255) as [number, number, number];
  const std = squares.map((s, c) => Math.sqrt(Math.max(0, s / n / 65025 - mean[c]! * mean[c]!)));
  return { mean, std: std as [number, number, number] };
}

/** The middle size x size of every picture, as a set of its own. */
export function centerCrops(set: ImageSet, size: number): ImageSet {
  const pixels = new Uint8Array(set.count * size * size * 3);
  for (let i = 0; i < set.count; i++) {
    pixels.set(centerCrop(pictureAt(set, i), size).pixels, i * size * size * 3);
  }
  return { ...set, width: size, height: size, pixels };
}

/** What a part of a set has in common with the whole. */
const pictureFields = ({ width, height, classes }: ImageSet) => ({ width, height, classes });
