import type { Device } from "../gpu/device.ts";
import { checkDTypes, FLOAT } from "../graph/takes.ts";
import { Tensor } from "../graph/tensor.ts";
import { matmul } from "./matmul.ts";
import { reshape } from "./reshape.ts";

export interface ResizeOptions {
  height: number;
  width: number;
  mode: "bilinear" | "bicubic";
  /** Widens the filter when shrinking, so that every input pixel counts; its bicubic has a = -0.5 and not -0.75. */
  antialias?: boolean;
}

/** (1 - |t|)+ */
const triangle = (t: number): number => Math.max(0, 1 - Math.abs(t));

/** Keys' cubic convolution kernel with parameter a, zero from 2 on. */
const cubic =
  (a: number) =>
  (t: number): number => {
    const d = Math.abs(t);
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
  };

/**
 * The matrix [to, from] that resamples one axis as torch.nn.functional.interpolate(align_corners=False) does. Output i
 * has its centre at c = (i + 1/2)·from/to; without antialias the weights of the neighbours of c - 1/2 beyond the border
 * go to the border pixel, with it the filter is stretched by from/to when shrinking, cut at the border and normalised.
 */
export function resizeMatrix(
  from: number,
  to: number,
  mode: ResizeOptions["mode"],
  antialias = false,
): Float32Array {
  const matrix = new Float64Array(to * from);
  const reach = mode === "bilinear" ? 1 : 2;
  const filter = mode === "bilinear" ? triangle : cubic(antialias ? -0.5 : -0.75);
  const stretch = antialias ? Math.max(1, from / to) : 1;
  for (let i = 0; i < to; i++) {
    const center = ((i + 0.5) * from) / to;
    if (antialias) {
      const first = Math.max(0, Math.floor(center - reach * stretch + 0.5));
      const end = Math.min(from, Math.floor(center + reach * stretch + 0.5));
      const weights = Array.from({ length: end - first }, (_, k) =>
        filter((first + k + 0.5 - center) / stretch),
      );
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, k) => {
        matrix[i * from + first + k] = weight / total;
      });
    } else {
      const source = center - 0.5;
      for (let k = 1 - reach; k <= reach; k++) {
        const neighbour = Math.floor(source) + k;
        const inside = Math.min(Math.max(neighbour, 0), from - 1);
        matrix[i * from + inside]! += filter(neighbour - source);
      }
    }
  }
  return Float32Array.from(matrix);
}

const resampler = (device: Device, from: number, to: number, { mode, antialias }: ResizeOptions): Tensor =>
  Tensor.from(device, resizeMatrix(from, to, mode, antialias), [to, from]);

/**
 * Resamples pictures, channels last: y = R_h x R_wᵀ for each sample and channel, two matrix products.
 * x f32 [B, H, W, C] -> [B, height, width, C]. torch.nn.functional.interpolate(mode, align_corners=False, antialias), for
 * position embeddings and segmentation logits. Sizes are fixed for good; an axis that keeps its length is left alone.
 * Weights of 0 are multiplied, too: what is not finite makes its whole row and column NaN, in torch its neighbours.
 */
export function resize(x: Tensor, options: ResizeOptions): Tensor {
  checkDTypes("resize", { x: FLOAT }, [x]);
  const { height, width } = options;
  const [batch, h, w, channels] = x.shape as [number, number, number, number];
  if (x.shape.length !== 4) throw new Error(`resize: needs x [B, H, W, C]; got x [${x.shape}]`);
  if (![height, width].every((n) => Number.isInteger(n) && n > 0)) {
    throw new Error(`resize: height and width must be positive whole numbers; got ${height} x ${width}`);
  }
  let y = x;
  if (width !== w) {
    const rows = reshape(y, [batch * h, w, channels]);
    y = matmul(resampler(x.device, w, width, options), rows);
  }
  if (height !== h) {
    const pictures = reshape(y, [batch, h, width * channels]);
    y = matmul(resampler(x.device, h, height, options), pictures);
  }
  return reshape(y, [batch, height, width, channels]);
}
