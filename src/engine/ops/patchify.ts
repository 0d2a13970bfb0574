import type { Tensor } from "../graph/tensor.ts";
import { permute } from "./permute.ts";
import { reshape } from "./reshape.ts";

/**
 * Order of the values inside a patch: (row, column, channel), as MAE's targets have it, or (channel, row, column), as
 * the flattened weight of a patch-embedding convolution [D, C, p, p] has it.
 */
export type PatchOrder = "channelsLast" | "channelsFirst";

// [B, rows, p, columns, p, C] -> [B, rows, columns, patch], and back
const TO_PATCHES = { channelsLast: [0, 1, 3, 2, 4, 5], channelsFirst: [0, 1, 3, 5, 2, 4] } as const;
const TO_PICTURE = { channelsLast: [0, 1, 3, 2, 4, 5], channelsFirst: [0, 1, 4, 2, 5, 3] } as const;

/**
 * Cuts pictures into square patches, patches row-major. x [B, H, W, C] -> [B, H/p · W/p, p · p · C]. Any dtype.
 * Throws unless p divides H and W.
 */
export function patchify(x: Tensor, p: number, order: PatchOrder = "channelsLast"): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (x.shape.length !== 4 || !Number.isInteger(p) || p < 1 || height % p !== 0 || width % p !== 0) {
    throw new Error(
      `patchify: needs x [B, H, W, C] with H and W multiples of the patch size; got x [${x.shape}], ${p}`,
    );
  }
  const [rows, columns] = [height / p, width / p];
  const cut = permute(reshape(x, [batch, rows, p, columns, p, channels]), TO_PATCHES[order]);
  return reshape(cut, [batch, rows * columns, p * p * channels]);
}

export interface UnpatchifyOptions {
  order?: PatchOrder;
  /** Rows and columns of patches; a square when absent. */
  grid?: readonly [rows: number, columns: number];
}

/**
 * The inverse of patchify. x [B, rows · columns, p · p · C] -> [B, rows · p, columns · p, C]. Throws unless the patches
 * fill the grid and their length is a multiple of p².
 */
export function unpatchify(x: Tensor, p: number, options: UnpatchifyOptions = {}): Tensor {
  const [batch, count, length] = x.shape as [number, number, number];
  const side = Math.sqrt(count);
  const { order = "channelsLast", grid: [rows, columns] = [side, side] } = options;
  const channels = length / (p * p);
  if (
    x.shape.length !== 3 ||
    ![rows, columns, channels].every(Number.isInteger) ||
    rows * columns !== count
  ) {
    throw new Error(
      `unpatchify: needs x [B, rows * columns, ${p} * ${p} * C]; got x [${x.shape}] for ${rows} x ${columns} patches`,
    );
  }
  const cut = order === "channelsLast" ? [p, p, channels] : [channels, p, p];
  const picture = permute(reshape(x, [batch, rows, columns, ...cut]), TO_PICTURE[order]);
  return reshape(picture, [batch, rows * p, columns * p, channels]);
}
