import cropPicturesWgsl from "../../shaders/cropPictures.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import type { Device } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { LimitError } from "../gpu/memory.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { checkDTypes, WHOLE } from "../graph/takes.ts";
import { Tensor } from "../graph/tensor.ts";

const WORKGROUP = 64;

/** Shards one dispatch can bind: four of the eight storage buffers that every adapter has. */
export const MOST_SHARDS = 4;

/** Words of one row of boxes: picture, top, left, height, width, flip (0 or 1), in pixels. */
export const BOX_WORDS = 6;

/** Equally sized uint8 RGB pictures on the device, row-major [height, width, 3], packed into words. */
export interface PictureShards {
  /** One to four u32 tensors; each holds `perShard` whole pictures, the last one the rest. */
  readonly tensors: readonly Tensor[];
  readonly perShard: number;
  readonly count: number;
  readonly width: number;
  readonly height: number;
}

export interface CropOptions {
  /** Side of the square that comes out. */
  size: number;
  /** Of each channel, for values in 0..1. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
  filter?: keyof typeof FILTERS;
  /** Leave the levels 0..255 as they are, for augmentations; `mean` and `std` then do not count. */
  levels?: boolean;
}

const sources = [gridWgsl, cropPicturesWgsl];
const cropRows = kernel("crop_rows", sources, { WORKGROUP, LEVELS: false });
const cropColumns = kernel("crop_columns", sources, { WORKGROUP, LEVELS: false });
const cropLevels = kernel("crop_columns", sources, { WORKGROUP, LEVELS: true });

const sinc = (t: number): number => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t));

/** Half width and kernel, in source pixels when enlarging. Bicubic is Keys' kernel with a = -0.5. */
const FILTERS = {
  bilinear: { reach: 1, kernel: (t: number) => Math.max(0, 1 - t) },
  bicubic: {
    reach: 2,
    kernel: (t: number) =>
      t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? -0.5 * (((t - 5) * t + 8) * t - 4) : 0,
  },
  lanczos: { reach: 3, kernel: (t: number) => (t < 3 ? sinc(t) * sinc(t / 3) : 0) },
} as const;

/** Weights are whole multiples of 2^-22, as in Pillow's src/libImaging/Resample.c. */
const UNIT = 2 ** 22;

/**
 * How an axis of each length 1..longest is resampled to `size` -> i32 [longest, size, stride], stride = 2 + most weights.
 * Output i has its centre at c = (i + 1/2) length/size; the filter, stretched by s = max(1, length/size), covers the
 * pixels first .. end - 1 within reach·s of c, cut off at the ends and normalised. A row holds first, end, weights.
 */
function tapTable(device: Device, longest: number, size: number, filter: keyof typeof FILTERS): Tensor {
  const { reach, kernel } = FILTERS[filter];
  const stride = 2 + Math.min(longest, Math.ceil(2 * reach * Math.max(1, longest / size)) + 1);
  const most = device.limits.maxStorageBufferBindingSize;
  if (longest * size * stride * 4 > most) {
    throw new LimitError(
      `cropPictures: this adapter binds at most ${most} bytes at once; got sides up to ${longest} resampled to ${size}, ` +
        `a table of ${longest * size * stride * 4}`,
      "Make the pictures smaller first",
    );
  }
  const table = new Int32Array(longest * size * stride);
  for (let length = 1; length <= longest; length++) {
    const scale = length / size;
    const stretch = Math.max(1, scale);
    for (let i = 0; i < size; i++) {
      const center = (i + 0.5) * scale;
      const first = Math.max(0, Math.floor(center - reach * stretch + 0.5));
      const end = Math.min(length, Math.floor(center + reach * stretch + 0.5));
      const weights = Array.from({ length: end - first }, (_, k) =>
        kernel(Math.abs(first + k - center + 0.5) / stretch),
      );
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const fixed = weights.map(
        (weight) => Math.sign(weight) * Math.round((Math.abs(weight) / total) * UNIT),
      );
      table.set([first, end, ...fixed], ((length - 1) * size + i) * stride);
    }
  }
  return Tensor.from(device, table, [longest, size, stride], "i32");
}

/** The tables of a device's latest eager calls, which come again with every batch. */
const tables = new WeakMap<Device, Map<string, Tensor>>();
const MOST_TABLES = 4;
/** Values of all of them; one alone may have more. */
const MOST_TABLE_VALUES = 2 ** 24;

/** The table on the device. A captured step has one of its own, which goes with it. */
function tapsFor(device: Device, longest: number, size: number, filter: keyof typeof FILTERS): Tensor {
  const make = () => tapTable(device, longest, size, filter);
  if (device.isCapturing) return make();
  const known = tables.get(device) ?? new Map<string, Tensor>();
  tables.set(device, known);
  const key = `${longest} ${size} ${filter}`;
  const table = known.get(key) ?? device.eager.keep(make);
  known.delete(key); // to stand last
  known.set(key, table);
  let values = [...known.values()].reduce((sum, { size: own }) => sum + own, 0);
  for (const [name, oldest] of known) {
    if (known.size <= MOST_TABLES && (values <= MOST_TABLE_VALUES || oldest === table)) break;
    known.delete(name);
    values -= oldest.size;
    oldest.dispose();
  }
  return table;
}

/**
 * Cuts boxes out of pictures, resamples them to size x size as Pillow does (`Image.crop(box).resize`, antialiased, levels
 * rounded to 0..255 after each pass), mirrors those with flip = 1 and standardises: (level / 255 - mean) / std.
 * boxes u32 or i32 [B, 6] -> f32 [B, size, size, 3]. torchvision's `resized_crop`, `hflip`, `to_tensor`, `normalize`.
 * A box that is not inside of a picture gives NaN. Boxes are data: a tensor from outside, written before each step. No
 * gradient passes.
 */
export function cropPictures(
  pictures: PictureShards,
  boxes: Tensor,
  { size, mean, std, filter = "bicubic", levels = false }: CropOptions,
): Tensor {
  const { tensors, perShard, count, width, height } = pictures;
  checkDTypes("cropPictures", { boxes: WHOLE, pictures: ["u32"] }, [boxes, ...tensors]);
  if (boxes.shape.length !== 2 || boxes.shape[1] !== BOX_WORDS) {
    throw new Error(`cropPictures: boxes must be [B, ${BOX_WORDS}]; got [${boxes.shape}]`);
  }
  if (!(Number.isInteger(size) && size > 0)) {
    throw new Error(`cropPictures: size must be a positive whole number; got ${size}`);
  }
  if (tensors.length < 1 || tensors.length > MOST_SHARDS) {
    throw new Error(`cropPictures: pictures must come in 1 to ${MOST_SHARDS} shards; got ${tensors.length}`);
  }
  const { device } = boxes;
  const batch = boxes.shape[0]!;
  const longest = Math.max(width, height);
  const taps = tapsFor(device, longest, size, filter);
  const stride = taps.shape[2]!;
  const rows = Tensor.empty(device, [batch, height, size], "u32");
  const y = Tensor.empty(device, [batch, size, size, 3]);
  const geometry = [height, width, count, perShard, stride];
  const sizes = words(...mean.map(f32Bits), batch, ...std.map(f32Bits), size, ...geometry);
  const shards = Array.from({ length: MOST_SHARDS }, (_, i) => tensors[i] ?? tensors[0]!); // every binding needs one
  const bytes = batch * height * width * 3 + boxes.bytes + taps.bytes + rows.bytes; // of whole pictures, not of the set
  device.run(cropRows, [sizes, boxes, taps, rows, ...shards], Math.ceil(rows.size / WORKGROUP), { bytes });
  const pixels = batch * size * size;
  const unused = shards.map(() => null);
  device.run(
    levels ? cropLevels : cropColumns,
    [sizes, boxes, taps, null, ...unused, rows, y],
    Math.ceil(pixels / WORKGROUP),
  );
  return y;
}

/** Boxes of whole pictures, for evaluation: indices [B] -> words [B, 6] without flips. */
export function wholeBoxes(
  indices: ArrayLike<number>,
  { width, height }: { width: number; height: number },
): Int32Array {
  const boxes = new Int32Array(indices.length * BOX_WORDS);
  for (let i = 0; i < indices.length; i++) boxes.set([indices[i]!, 0, 0, height, width, 0], i * BOX_WORDS);
  return boxes;
}
