import { ANY, checkDTypes, WHOLE } from "../graph/takes.ts";
import { type Shape, sizeOf, type Tensor } from "../graph/tensor.ts";
import { gatherTokens, type IndexOptions } from "./gather.ts";
import { reshape } from "./reshape.ts";

/**
 * Rows by number, as an embedding looks them up: y[m] = x[index[m]]. x [N, ...], index u32 [..] of any shape ->
 * [.., ...]. torch.nn.functional.embedding(index, x); torch.index_select(x, 0, index) for an index of one axis.
 * The gradient adds repeated rows in rising order of m. An index outside of [0, N) gives NaN.
 */
export function indexSelect(x: Tensor, index: Tensor, options: IndexOptions = {}): Tensor {
  checkDTypes("indexSelect", { x: ANY, index: WHOLE }, [x, index]);
  const [n, ...row] = x.shape as [number, ...Shape];
  if (x.shape.length === 0) throw new Error("indexSelect: x needs at least one axis; got a scalar");
  const rows = gatherTokens(reshape(x, [1, n, sizeOf(row)]), index.alias([1, index.size]), options);
  return reshape(rows, [...index.shape, ...row]);
}
