import type { Tensor } from "../engine/graph/tensor.ts";
import type { PictureShards } from "../engine/ops/cropPictures.ts";

/**
 * Where a run's pictures come from. `DeviceImages` holds a whole set on the device; a set larger than memory would put a
 * batch's pictures into the shards when their step is written.
 */
export interface PictureSource {
  /** What `cropPictures` cuts from. */
  readonly shards: PictureShards;
  /** Class of each picture in the shards, u32 [count]; 2^32 - 1 where there is none. */
  readonly labels: Tensor;
  /** Makes the pictures with these indices ready for the next step: where each lies in the shards. */
  place(indices: Uint32Array): Uint32Array;
}
