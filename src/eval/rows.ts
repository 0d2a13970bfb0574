/**
 * Labelled rows that heads are trained and tested on. Either all of them were made beforehand, and the device or the host keeps
 * them; or the encoder makes those of a batch when it is its turn, again in every epoch, which bounds memory whatever the
 * number of pictures, and is how each epoch can see other crops, as in the papers.
 */
import { type ChannelStatistics, type ImageSet, pictureAt } from "../data/images.ts";
import type { Picture } from "../data/resize.ts";
import type { Device } from "../engine/gpu/device.ts";
import { ALIGNMENT } from "../engine/gpu/memory.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import { type Encode, fitPicture, openEncoding } from "./encoding.ts";
import { checkFeatures, checkLabels, type Features, type Kind } from "./features.ts";
import type { Hold } from "./holding.ts";

export interface Rows extends Kind {
  /** Makes room on the device for `size` rows at a time. */
  open(device: Device, size: number, hold: Hold): Promise<RowBatch>;
}

export interface RowBatch {
  /** The rows that were loaded last when a step runs, [size, dim]; called while it is recorded. */
  tensor(): Tensor;
  /** Brings these `size` rows there, as `epoch` has them, for what is submitted from now on. */
  load(indices: Uint32Array, epoch: number): void | Promise<void>;
}

/**
 * Rows that are there already: in one buffer of the device up to `mostBytes`, which is what it binds at once when absent, otherwise
 * on the host, which sends each batch. `views` are several features of one set, rows in the same order: epoch e has view e modulo
 * their number.
 */
export function keptRows(where: string, views: readonly Features[], mostBytes?: number): Rows {
  const [first] = views;
  if (!first) throw new Error(`${where}: needs features; got no view`);
  for (const view of views) checkFeatures(where, view);
  const { labels, classes, dim } = first;
  if (views.some((view) => view.dim !== dim || !view.labels.every((label, i) => label === labels[i]))) {
    throw new Error(`${where}: every view must have the same labels; got different ones. Was one shuffled?`);
  }
  const kept: Kept = { count: labels.length, dim, at: (epoch) => views[epoch % views.length]!.values };
  return {
    ...{ labels, classes, dim },
    async open(device, size, hold) {
      const isBound = 4 * kept.count * dim <= (mostBytes ?? device.limits.maxStorageBufferBindingSize);
      return (isBound ? onDevice : onHost)(device, kept, size, hold);
    },
  };
}

interface Kept {
  count: number;
  dim: number;
  /** The values of an epoch, [count, dim]. */
  at(epoch: number): Float32Array;
}

function onDevice(device: Device, { count, dim, at }: Kept, size: number, hold: Hold): RowBatch {
  let shown = at(0);
  const all = hold(Tensor.from(device, shown, [count, dim]));
  const index = hold(Tensor.from(device, new Uint32Array(size), [size], "u32"));
  return {
    tensor: () => indexSelect(all, index),
    load(indices, epoch) {
      if (at(epoch) !== shown) {
        shown = at(epoch);
        all.write(shown);
      }
      index.write(indices);
    },
  };
}

function onHost(device: Device, { dim, at }: Kept, size: number, hold: Hold): RowBatch {
  const batch = new Float32Array(size * dim);
  const rows = hold(Tensor.from(device, batch, [size, dim]));
  return {
    tensor: () => rows,
    async load(indices, epoch) {
      for (const [i, row] of indices.entries()) {
        batch.set(at(epoch).subarray(row * dim, (row + 1) * dim), i * dim);
      }
      await device.finish(); // the queue keeps a copy of what is written until the GPU has it
      rows.write(batch);
    },
  };
}

export interface EncodedRowsOptions {
  /** Features of a picture. */
  dim: number;
  /** Channel statistics the encoder was trained with, and the side of its pictures. */
  statistics: ChannelStatistics;
  imageSize: number;
  /** Pictures per run of the encoder, 64 when absent; changes time and memory alone. */
  batchSize?: number;
  /** What an epoch sees of a picture, as large as the encoder's; the whole of it, fitted, when absent. */
  view?: (picture: Picture, index: number, epoch: number) => Picture;
}

/** Rows that a frozen encoder makes of the pictures of a batch when the batch is loaded. */
export function encodedRows(
  where: string,
  encode: Encode,
  images: ImageSet,
  options: EncodedRowsOptions,
): Rows {
  const { dim, statistics, imageSize, batchSize = 64, view } = options;
  const { labels, classes: names } = images;
  const classes = names.length;
  checkLabels(where, { labels, classes });
  return {
    ...{ labels, classes, dim },
    async open(device, size, hold) {
      const rows = hold(Tensor.empty(device, [size, dim]));
      const piece = Math.min(size, alignedPiece(batchSize, dim));
      const shape = { size: piece, height: imageSize, width: imageSize };
      const { features, prepare, run } = await openEncoding(device, encode, shape, statistics, hold);
      if (features.shape[1] !== dim) {
        throw new Error(`${where}: encode must give ${dim} features of a picture; got ${features.shape[1]}`);
      }
      const pictures = function* (indices: Uint32Array, epoch: number) {
        for (const i of indices) {
          const picture = pictureAt(images, i);
          yield view ? view(picture, i, epoch) : fitPicture(picture, imageSize);
        }
      };
      return {
        tensor: () => rows,
        async load(indices, epoch) {
          for (let start = 0; start < size; start += piece) {
            const part = indices.subarray(start, start + piece);
            prepare(pictures(part, epoch)); // the CPU works while the GPU does
            await device.finish();
            run();
            const values = [part.length * dim];
            device.copy(features.alias(values), rows.alias(values, 4 * start * dim));
          }
        },
      };
    },
  };
}

/** About `batchSize` rows of `dim` values, so many that the next piece begins where a binding may. */
function alignedPiece(batchSize: number, dim: number): number {
  let unit = 1;
  while ((4 * unit * dim) % ALIGNMENT !== 0) unit *= 2;
  return Math.max(1, Math.floor(batchSize / unit)) * unit;
}
