import gridWgsl from "../../shaders/grid.wgsl";
import sortKeyWgsl from "../../shaders/sortKey.wgsl";
import topKWgsl from "../../shaders/topK.wgsl";
import { kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import { Tensor } from "../graph/tensor.ts";
import { argsort, orderOf } from "./argsort.ts";
import { gather } from "./gather.ts";
import { slice } from "./slice.ts";

/** Also the largest k that is selected without sorting the row. */
const WORKGROUP = 256;

/* @__NO_SIDE_EFFECTS__ */
const select = (dtype: Tensor["dtype"]) =>
  kernel("top_k", [sortKeyWgsl, gridWgsl, topKWgsl], { WORKGROUP, ...orderOf(dtype) });
const kernels = { f32: select("f32"), i32: select("i32"), u32: select("u32") };

/** Values and u32 indices, both [..., k]. */
export interface TopK {
  values: Tensor;
  indices: Tensor;
}

/**
 * The k largest values along the last axis, largest first, equal ones by rising index. x [..., N] of any dtype ->
 * values [..., k] (differentiable) and indices u32 [..., k]. torch.topk; NaN counts as the largest value, as there.
 * Up to k = 256 a row is searched without sorting it; beyond, it is sorted.
 */
export function topK(x: Tensor, k: number): TopK {
  const n = x.shape.at(-1);
  if (n === undefined || !Number.isInteger(k) || k < 1 || k > n) {
    throw new Error(
      `topK: k must be a whole number from 1 to the length of x's last axis; got ${k} for x [${x.shape}]`,
    );
  }
  const indices = k > WORKGROUP ? slice(argsort(x, { descending: true }), -1, 0, k) : largest(x, n, k);
  return { values: gather(x, -1, indices), indices };
}

function largest(x: Tensor, n: number, k: number): Tensor {
  const rows = x.size / n;
  const indices = Tensor.empty(x.device, [...x.shape.slice(0, -1), k], "u32");
  x.device.run(kernels[x.dtype], [words(rows, n, k), x, indices], rows);
  return indices;
}
