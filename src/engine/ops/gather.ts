import { defineOp } from "../graph/op.ts";
import { ANY, WHOLE } from "../graph/takes.ts";
import type { Shape, Tensor } from "../graph/tensor.ts";
import { normalizeAxes } from "./axes.ts";
import { addIndexed, type Choice, readIndexed, writeIndexed } from "./indexed.ts";
import { aroundAxis } from "./slice.ts";

const alongAxis = (x: Shape, index: Shape, axis: number): Choice => ({
  ...aroundAxis(x, axis),
  m: index[axis]!,
  perValue: true,
});

const gatherOp = defineOp<[Tensor, Tensor], number>({
  name: "gather",
  takes: { x: ANY, index: WHOLE },
  shape([x, index], axis) {
    if (index.length !== x.length || !index.every((n, i) => i === axis || n === x[i])) {
      throw new Error(
        `gather: index must have x's shape except along axis ${axis}; got x [${x}] and index [${index}]`,
      );
    }
    return index;
  },
  forward({ inputs: [x, index], params: axis, output: y }) {
    readIndexed(x, index, y, alongAxis(x.shape, index.shape, axis));
  },
  backward({ inputs: [x, index], params: axis, into }, dy) {
    const dx = into(0);
    addIndexed(dy, index, dx, alongAxis(x.shape, index.shape, axis));
    return [dx, null];
  },
});

/**
 * y[.., m, ..] = x[.., index[.., m, ..], ..] along one axis. x [.., N, ..], index u32 [.., M, ..], otherwise of x's
 * shape -> [.., M, ..]. torch.gather. An index outside of [0, N) gives NaN.
 */
export function gather(x: Tensor, axis: number, index: Tensor): Tensor {
  return gatherOp([x, index], normalizeAxes("gather", x.shape, axis)[0]!);
}

const tokensOf = ([outer, n, inner]: Shape, [, m]: Shape): Choice => ({
  outer: outer!,
  n: n!,
  m: m!,
  inner: inner!,
});

const tokensOp = defineOp<[Tensor, Tensor], boolean>({
  name: "gatherTokens",
  takes: { x: ANY, index: WHOLE },
  shape([x, index]) {
    if (x.length !== 3 || index.length !== 2 || x[0] !== index[0]) {
      throw new Error(`gatherTokens: needs x [B, N, D] and index [B, M]; got x [${x}] and index [${index}]`);
    }
    return [x[0]!, index[1]!, x[2]!];
  },
  forward({ inputs: [x, index], output: y }) {
    readIndexed(x, index, y, tokensOf(x.shape, index.shape));
  },
  backward({ inputs: [x, index], params: unique, into }, dy) {
    const dx = into(0);
    (unique ? writeIndexed : addIndexed)(dy, index, dx, tokensOf(x.shape, index.shape));
    return [dx, null];
  },
});

/** What is known of an index. */
export interface IndexOptions {
  /**
   * The caller promises that no number occurs twice in a row of the index, and none from outside of [0, N): rows are then
   * scattered without a sum. Where the promise is broken some rows hold what their memory held before.
   */
  unique?: boolean;
}

/**
 * Rows of each sample: y[b, m] = x[b, index[b, m]]. x [B, N, D], index u32 [B, M] -> [B, M, D].
 * torch.gather(x, 1, index[..., None].expand(-1, -1, D)). An index outside of [0, N) gives NaN.
 */
export function gatherTokens(x: Tensor, index: Tensor, { unique = false }: IndexOptions = {}): Tensor {
  return tokensOp([x, index], unique);
}
