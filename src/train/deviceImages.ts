import { bytesPerImage, type ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { ALIGNMENT } from "../engine/gpu/memory.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { MOST_SHARDS, type PictureShards } from "../engine/ops/cropPictures.ts";
import type { PictureSource } from "./pictureSource.ts";

/** Bytes sent at once; the queue holds a copy of each piece until the GPU has taken it. */
const PIECE = 16 * 2 ** 20;

/** A picture set in GPU memory: what `cropPictures` cuts from. */
export class DeviceImages implements PictureSource {
  readonly shards: PictureShards;
  /** Class of each picture, u32 [count]; 2^32 - 1 where there is none. */
  readonly labels: Tensor;

  private constructor(shards: PictureShards, labels: Tensor) {
    this.shards = shards;
    this.labels = labels;
  }

  /** Room for a set of these sizes, 3 bytes a pixel, in up to four buffers; throws if they do not fit. */
  static allocate(
    device: Device,
    set: Pick<ImageSet, "name" | "count" | "width" | "height">,
    shardBytes = largestShard(device),
  ): DeviceImages {
    const { name, count, width, height } = set;
    const size = bytesPerImage(set);
    const perShard = Math.floor(shardBytes / size);
    if (count === 0) throw new Error(`DeviceImages: ${name} must hold a picture; got 0.`);
    if (count > MOST_SHARDS * perShard) {
      throw new Error(
        `DeviceImages: ${name} must fit ${MOST_SHARDS} buffers of ${shardBytes} bytes, ${MOST_SHARDS * perShard} ` +
          `pictures of ${width} x ${height}; got ${count}, ${count * size} bytes. Use a subset or smaller pictures.`,
      );
    }
    const shards = Array.from({ length: Math.ceil(count / perShard) }, (_, i) => {
      const pictures = Math.min(perShard, count - i * perShard);
      return Tensor.empty(device, [Math.ceil((pictures * size) / 4)], "u32");
    });
    const labels = Tensor.from(device, new Uint32Array(count), [count], "u32");
    return new DeviceImages({ tensors: shards, perShard, count, width, height }, labels);
  }

  /**
   * Copies the pixels of a set into up to four buffers of at most `shardBytes` (default: what the adapter binds at
   * once). Throws before any copy if they do not fit.
   */
  static async upload(
    device: Device,
    set: ImageSet,
    shardBytes = largestShard(device),
  ): Promise<DeviceImages> {
    const images = DeviceImages.allocate(device, set, shardBytes);
    const { tensors, perShard } = images.shards;
    images.labels.write(Uint32Array.from(set.labels));
    const stride = perShard * bytesPerImage(set);
    for (const [i, shard] of tensors.entries()) {
      await send(set.pixels.subarray(i * stride, (i + 1) * stride), shard);
    }
    return images;
  }

  /** Every picture is there, at its index. */
  place(indices: Uint32Array): Uint32Array {
    return indices;
  }

  /** Bytes on the device. */
  get bytes(): number {
    return [...this.shards.tensors, this.labels].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Gives the memory back. */
  dispose(): void {
    for (const tensor of [...this.shards.tensors, this.labels]) tensor.dispose();
  }
}

function largestShard({ limits }: Device): number {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  return Math.floor(most / ALIGNMENT) * ALIGNMENT;
}

/** Writes bytes into a tensor of just enough words, piece by piece. */
async function send(bytes: Uint8Array, { device, storage, offset }: Tensor): Promise<void> {
  device.eager.flush();
  for (let at = 0; at < bytes.length; at += PIECE) {
    const part = bytes.subarray(at, at + PIECE);
    const piece = new Uint8Array(Math.ceil(part.length / 4) * 4); // whole words, in memory of the queue's own
    piece.set(part);
    device.gpu.queue.writeBuffer(storage.buffer!, offset + at, piece);
    await device.finish();
  }
}
