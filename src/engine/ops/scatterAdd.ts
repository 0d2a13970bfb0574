import { defineOp } from "../graph/op.ts";
import { FLOAT, WHOLE } from "../graph/takes.ts";
import type { Shape, Tensor } from "../graph/tensor.ts";
import { normalizeAxes } from "./axes.ts";
import type { IndexOptions } from "./gather.ts";
import { addIndexed, type Choice, readIndexed, writeIndexed } from "./indexed.ts";
import { aroundAxis } from "./slice.ts";

interface Along {
  shape: Shape;
  axis: number;
}

const alongAxis = ({ shape, axis }: Along, index: Shape): Choice => ({
  ...aroundAxis(shape, axis),
  m: index[axis]!,
  perValue: true,
});

const scatterOp = defineOp<[Tensor, Tensor], Along>({
  name: "scatterAdd",
  takes: { src: FLOAT, index: WHOLE },
  shape([src, index], { shape, axis }) {
    const fits = index.length === shape.length && index.every((n, i) => i === axis || n === shape[i]);
    if (!fits || `${src}` !== `${index}`) {
      throw new Error(
        `scatterAdd: src and index must have the result's shape except along axis ${axis}; got src [${src}], index [${index}] and result [${shape}]`,
      );
    }
    return shape;
  },
  forward({ inputs: [src, index], params, output: y }) {
    addIndexed(src, index, y, alongAxis(params, index.shape));
  },
  backward({ inputs: [, index], params, into }, dy) {
    const dsrc = into(0);
    readIndexed(dy, index, dsrc, alongAxis(params, index.shape));
    return [dsrc, null];
  },
});

/**
 * y[.., n, ..] = Σ src[.., m, ..] over the m with index[.., m, ..] = n, in rising order of m, zero where there is none.
 * src and index u32 [.., M, ..] -> shape [.., N, ..]. torch.zeros(shape).scatter_add(axis, index, src), deterministic.
 * An index outside of [0, N) adds nothing.
 */
export function scatterAdd(shape: Shape, axis: number, index: Tensor, src: Tensor): Tensor {
  return scatterOp([src, index], { shape, axis: normalizeAxes("scatterAdd", shape, axis)[0]! });
}

interface Tokens {
  n: number;
  unique: boolean;
}

const tokensOf = ([outer, m, inner]: Shape, n: number): Choice => ({
  outer: outer!,
  n,
  m: m!,
  inner: inner!,
});

const tokensOp = defineOp<[Tensor, Tensor], Tokens>({
  name: "scatterTokens",
  takes: { src: FLOAT, index: WHOLE },
  shape([src, index], { n }) {
    if (src.length !== 3 || index.length !== 2 || src[0] !== index[0] || src[1] !== index[1]) {
      throw new Error(
        `scatterTokens: needs src [B, M, D] and index [B, M]; got src [${src}] and index [${index}]`,
      );
    }
    return [src[0]!, n, src[2]!];
  },
  forward({ inputs: [src, index], params: { n, unique }, output: y }) {
    (unique ? writeIndexed : addIndexed)(src, index, y, tokensOf(src.shape, n));
  },
  backward({ inputs: [src, index], params: { n }, into }, dy) {
    const dsrc = into(0);
    readIndexed(dy, index, dsrc, tokensOf(src.shape, n));
    return [dsrc, null];
  },
});

/**
 * Rows added into place: y[b, n] = Σ src[b, m] over the m with index[b, m] = n, zero where there is none.
 * src [B, M, D], index u32 [B, M] -> [B, n, D]. The transpose of gatherTokens; deterministic.
 */
export function scatterTokens(
  src: Tensor,
  index: Tensor,
  n: number,
  { unique = false }: IndexOptions = {},
): Tensor {
  return tokensOp([src, index], { n, unique });
}
