import type { Shape } from "../graph/tensor.ts";

/** The shape of one attention and where its operands lie: rows and starts in values. */
export interface AttentionLayout {
  batch: number;
  queries: number;
  keys: number;
  heads: number;
  headSize: number;
  rows: { q: number; k: number; v: number };
  starts: { q: number; k: number; v: number };
}

function checkHeads(name: string, width: number, heads: number): number {
  const headSize = width / heads;
  if (!(Number.isInteger(headSize) && headSize > 0) || headSize % 4 !== 0 || headSize > 128) {
    throw new Error(
      `${name}: width / heads must be a multiple of 4, at most 128; got width ${width} and ${heads} heads`,
    );
  }
  return headSize;
}

/** Refuses a bias of another shape. */
export function checkBias(
  name: string,
  bias: Shape | undefined,
  { batch, heads, queries, keys }: AttentionLayout,
): void {
  const fits =
    bias && (`${bias}` === `${[heads, queries, keys]}` || `${bias}` === `${[batch, heads, queries, keys]}`);
  if (bias && !fits) {
    throw new Error(
      `${name}: the bias must be [${heads},${queries},${keys}], or that with the batch ${batch} in front; got [${bias}]`,
    );
  }
}

/** Self-attention: where q, k and v lie in qkv [B, N, 3D]. */
export function packedLayout(qkv: Shape, heads: number): AttentionLayout {
  const [batch, tokens, width3] = qkv;
  if (qkv.length !== 3 || width3! % 3 !== 0) {
    throw new Error(`selfAttention: qkv must be [B, N, 3D]; got [${qkv}]`);
  }
  const width = width3! / 3;
  const headSize = checkHeads("selfAttention", width, heads);
  const rows = { q: 3 * width, k: 3 * width, v: 3 * width };
  const starts = { q: 0, k: width, v: 2 * width };
  return { batch: batch!, queries: tokens!, keys: tokens!, heads, headSize, rows, starts };
}

/** Separate q [B, N, D] and k, v [B, M, D]. */
export function separateLayout(q: Shape, k: Shape, v: Shape, heads: number): AttentionLayout {
  const [batch, queries, width] = q;
  const fits = q.length === 3 && k.length === 3 && `${k}` === `${v}` && k[0] === batch && k[2] === width;
  if (!fits)
    throw new Error(`attention: needs q [B, N, D] and k, v [B, M, D]; got q [${q}], k [${k}] and v [${v}]`);
  const headSize = checkHeads("attention", width!, heads);
  const rows = { q: width!, k: width!, v: width! };
  return {
    batch: batch!,
    queries: queries!,
    keys: k[1]!,
    heads,
    headSize,
    rows,
    starts: { q: 0, k: 0, v: 0 },
  };
}
