import clipWgsl from "../../shaders/clip.wgsl";
import scaledWgsl from "../../shaders/clipScaled.wgsl";
import unscaledWgsl from "../../shaders/clipUnscaled.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import type { Guard } from "../graph/guard.ts";
import type { Parameters } from "../graph/parameters.ts";
import { Tensor } from "../graph/tensor.ts";
import { trainedShards } from "./optimizer.ts";
import { segmentTable } from "./segments.ts";

const WORKGROUP = 64;
const squaresKernel = kernel("clip_squares", [clipWgsl, unscaledWgsl], { WORKGROUP });
const factorsKernel = kernel("clip_factors", [clipWgsl, unscaledWgsl], { WORKGROUP });
const unscalingKernel = kernel("clip_factors", [clipWgsl, scaledWgsl], { WORKGROUP });

/** Above every norm whose square is finite; divided by the smallest length, 1e-6, it is finite itself. */
const NO_LIMIT = 1e30;

export interface ClipOptions {
  /** Largest norm allowed, above 0; no clipping when absent. */
  limit?: number;
  /** One norm for the whole model (torch.nn.utils.clip_grad_norm_) or one per tensor (DINO). */
  by?: "model" | "tensor";
}

export interface Clipped {
  /** [segments]: what each segment's gradient is multiplied by, 1 / scale included; below 0 says: skip this update. */
  factors: Tensor;
  /** []: the norm of all gradients before clipping, those of the loss itself. */
  norm: Tensor;
}

/**
 * Gradient norms and clipping factors min(1, limit / (norm + 1e-6)), without reading anything back. When any gradient
 * is NaN or infinite the guard halts; from then on every factor is -1, on which optimisers leave their state untouched.
 */
export function clipGradients(
  parameters: Parameters,
  guard: Guard,
  { limit = NO_LIMIT, by = "model" }: ClipOptions = {},
): Clipped {
  if (!(limit > 0)) {
    throw new Error(`clipGradients: limit must be above 0; got ${limit}. Leave it out to clip nothing`);
  }
  const { device } = parameters;
  const shards = trainedShards("clipGradients", parameters);
  const { count, chunkCount, segments } = segmentTable(parameters);
  const squares = Tensor.empty(device, [chunkCount]);
  for (const { gradients, chunks, firstChunk } of shards) {
    const many = chunks.shape[0]!;
    device.run(squaresKernel, [words(many, firstChunk), gradients, chunks, squares], many);
  }
  const factors = Tensor.empty(device, [count]);
  const norm = Tensor.empty(device, []);
  const settings = words(count, by === "tensor" ? 1 : 0, f32Bits(Math.min(limit, NO_LIMIT)));
  const bindings = [settings, squares, segments, factors, norm, guard.state];
  if (guard.scale) device.run(unscalingKernel, [...bindings, guard.scale.value], 1);
  else device.run(factorsKernel, bindings, 1);
  return { factors, norm };
}
