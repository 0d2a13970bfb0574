// All tokens of a frozen encoder as the rows of a probe: for many pictures they are far more than a device, or a host, can hold.

import type { ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { Parameters } from "../engine/graph/parameters.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { anyVit } from "../models/relativeVit.ts";
import { classTokensOf, gridOf, type VitConfig } from "../models/vit.ts";
import type { Encode } from "./encoding.ts";
import { type ExtractOptions, extractFeatures } from "./features.ts";
import { type EncodedRowsOptions, encodedRows, keptRows, type Rows } from "./rows.ts";

/** An encoder read by its tokens. */
export interface TokenEncoder {
  /** images [B, H, W, 3] -> every token after the final norm, class tokens first, [B, T D]. */
  encode: Encode;
  /** T D. */
  dim: number;
  /** D, and the heads of its attention. */
  width: number;
  heads: number;
  imageSize: number;
}

export const tokenEncoder = (params: Parameters, config: VitConfig): TokenEncoder => ({
  encode: (images) => reshape(anyVit(params, config, images).tokens, [images.shape[0]!, -1]),
  dim: (classTokensOf(config) + gridOf(config) ** 2) * config.embedDim,
  width: config.embedDim,
  heads: config.numHeads,
  imageSize: config.imageSize,
});

export interface TokenRowsOptions extends Pick<ExtractOptions, "statistics" | "batchSize" | "onProgress"> {
  /** What an epoch sees of a picture; see `EncodedRowsOptions`. */
  view?: EncodedRowsOptions["view"];
  /** Bytes of tokens that the host keeps; 2^30 when absent. */
  keptBytes?: number;
}

const KEPT_BYTES = 2 ** 30;

/**
 * The tokens of a set: made once and kept where they fit, otherwise made of each batch's pictures in every epoch. Either gives the
 * same bits; the second holds one batch, whatever the number of pictures, and takes the encoder's time in every epoch.
 */
export async function tokenRows(
  where: string,
  device: Device,
  { encode, dim, imageSize }: TokenEncoder,
  images: ImageSet,
  { view, keptBytes = KEPT_BYTES, ...options }: TokenRowsOptions,
): Promise<Rows> {
  const isKept = !view && 4 * dim * images.count <= keptBytes;
  if (isKept)
    return keptRows(where, [await extractFeatures(device, encode, images, { ...options, imageSize })]);
  const { statistics, batchSize } = options;
  return encodedRows(where, encode, images, {
    ...{ dim, imageSize, statistics },
    ...(batchSize !== undefined && { batchSize }),
    ...(view && { view }),
  });
}
