import { defineOp } from "../graph/op.ts";
import { FLOAT } from "../graph/takes.ts";
import { type Shape, sizeOf, Tensor } from "../graph/tensor.ts";
import { sumTo } from "./broadcast.ts";
import { gemm } from "./gemm.ts";

export interface MatmulOptions {
  /** a is stored [..., k, m]. */
  transposeA?: boolean;
  /** b is stored [..., n, k]. */
  transposeB?: boolean;
}

/** The sizes of a product, with batches merged and a shared b folded into the rows where that is possible. */
function sizesOf(a: Shape, b: Shape, { transposeA = false, transposeB = false }: MatmulOptions) {
  const given = `got a [${a}]${transposeA ? " transposed" : ""} and b [${b}]${transposeB ? " transposed" : ""}`;
  if (a.length < 2 || b.length < 2) throw new Error(`matmul: needs at least two axes each; ${given}`);
  const [a1, a2, b1, b2] = [a.at(-2)!, a.at(-1)!, b.at(-2)!, b.at(-1)!];
  const [m, k] = transposeA ? [a2, a1] : [a1, a2];
  const [kb, n] = transposeB ? [b2, b1] : [b1, b2];
  if (k !== kb) throw new Error(`matmul: needs a [..., m, k] and b [..., k, n]; ${given}`);
  const [batchA, batchB] = [a.slice(0, -2), b.slice(0, -2)];
  const sharedA = batchA.length === 0 && batchB.length > 0;
  const sharedB = batchB.length === 0 && batchA.length > 0;
  const batchShape = sharedA ? batchB : batchA;
  if (!sharedA && !sharedB && `${batchA}` !== `${batchB}`) {
    throw new Error(`matmul: batch axes must be equal or absent on one side; ${given}`);
  }
  const shape = [...batchShape, m, n];
  const batch = sizeOf(batchShape);
  if (sharedB && !transposeA) return { shape, batch: 1, m: batch * m, n, k, sharedA: false, sharedB: false };
  return { shape, batch, m, n, k, sharedA, sharedB };
}

const op = defineOp<[Tensor, Tensor], MatmulOptions>({
  name: "matmul",
  takes: { a: FLOAT, b: FLOAT },
  shape: ([a, b], options) => sizesOf(a, b, options).shape,
  forward({ inputs: [a, b], params, output: y }) {
    gemm({ a, b, y, ...params, ...sizesOf(a.shape, b.shape, params) });
  },
  backward({ device, inputs: [a, b], params, wants, into }, dy) {
    const { transposeA = false, transposeB = false } = params;
    const { batch, m, n, k, sharedA, sharedB } = sizesOf(a.shape, b.shape, params);
    let da: Tensor | null = null;
    let db: Tensor | null = null;
    if (wants(0)) {
      const y = sharedA ? Tensor.empty(device, [batch, ...a.shape]) : into(0);
      if (transposeA)
        gemm({
          a: b,
          b: dy,
          y,
          m: k,
          n: m,
          k: n,
          batch,
          transposeA: transposeB,
          transposeB: true,
          sharedA: sharedB,
        });
      else gemm({ a: dy, b, y, m, n: k, k: n, batch, transposeB: !transposeB, sharedB });
      da = sharedA ? sumTo(y, a.shape) : y;
    }
    if (wants(1)) {
      const y = sharedB ? Tensor.empty(device, [batch, ...b.shape]) : into(1);
      if (transposeB)
        gemm({
          a: dy,
          b: a,
          y,
          m: n,
          n: k,
          k: m,
          batch,
          transposeA: true,
          transposeB: transposeA,
          sharedB: sharedA,
        });
      else gemm({ a, b: dy, y, m: k, n, k: m, batch, transposeA: !transposeA, sharedA });
      db = sharedB ? sumTo(y, b.shape) : y;
    }
    return [da, db];
  },
});

/**
 * Matrix product over the last two axes. a [..., m, k], b [..., k, n] -> [..., m, n]; the leading axes are equal or
 * absent on one side. torch.matmul, with either operand read transposed in place.
 */
export const matmul = (a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor => op([a, b], options);
