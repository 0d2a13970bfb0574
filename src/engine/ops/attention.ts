import { alignBytes } from "../gpu/memory.ts";
import { defineOp } from "../graph/op.ts";
import { FLOAT } from "../graph/takes.ts";
import { Tensor } from "../graph/tensor.ts";
import { checkBias, packedLayout, separateLayout } from "./attentionLayout.ts";
import { backward, forward } from "./attentionPasses.ts";

type SelfInputs = [qkv: Tensor] | [qkv: Tensor, bias: Tensor];

const selfOp = defineOp<SelfInputs, { heads: number }, Tensor>({
  name: "selfAttention",
  takes: { qkv: FLOAT, bias: FLOAT },
  shape([qkv, bias], { heads }) {
    const layout = packedLayout(qkv, heads);
    checkBias("selfAttention", bias, layout);
    return [layout.batch, layout.queries, heads * layout.headSize];
  },
  forward({ inputs: [qkv, bias], params: { heads }, output: o }) {
    return forward(packedLayout(qkv.shape, heads), { q: qkv, k: qkv, v: qkv, bias }, o);
  },
  backward({ inputs: [qkv, bias], params: { heads }, output: o, saved: statistics, wants, into }, dy) {
    const layout = packedLayout(qkv.shape, heads);
    const operands = { q: qkv, k: qkv, v: qkv, bias };
    const row = qkv.shape[2]!;
    const gradients = into(0);
    const dbias = bias && wants(1) ? into(1) : undefined;
    const targets = { dqRow: row, dqStart: 0, dkRow: row, dkStart: row / 3, dvStart: (2 * row) / 3 };
    backward(layout, operands, { o, statistics, dy, gradients, targets, dbias });
    return [gradients, dbias ?? null];
  },
});

/**
 * Multi-head self-attention softmax(q kᵀ / √d + bias) v on a packed projection, without a score matrix in memory.
 * qkv f32 [B, N, 3D], features ordered (q, k, v) x heads x d as in timm; bias [H, N, N] or [B, H, N, N] -> [B, N, D].
 * torch.nn.functional.scaled_dot_product_attention. NaN in a query's scores or in any value it attends to makes the head's
 * output NaN there; so does an infinite value, of which torch gives infinity, and a row of scores all at -infinity. A row
 * all at the lowest finite number gives the mean of v, but not its gradient: that takes weights from the row's log Σ e^s in
 * f32, where the number of keys is lost beside a score of 1e8 or more. Leave such a row out of the loss.
 */
export function selfAttention(qkv: Tensor, heads: number, bias?: Tensor): Tensor {
  return selfOp(bias ? [qkv, bias] : [qkv], { heads });
}

type CrossInputs = [q: Tensor, k: Tensor, v: Tensor] | [q: Tensor, k: Tensor, v: Tensor, bias: Tensor];

const crossOp = defineOp<CrossInputs, { heads: number }, Tensor>({
  name: "attention",
  takes: { q: FLOAT, k: FLOAT, v: FLOAT, bias: FLOAT },
  shape([q, k, v, bias], { heads }) {
    checkBias("attention", bias, separateLayout(q, k, v, heads));
    return q;
  },
  forward({ inputs: [q, k, v, bias], params: { heads }, output: o }) {
    return forward(separateLayout(q.shape, k.shape, v.shape, heads), { q, k, v, bias }, o);
  },
  backward(
    { device, inputs: [q, k, v, bias], params: { heads }, output: o, saved: statistics, wants, into },
    dy,
  ) {
    const layout = separateLayout(q.shape, k.shape, v.shape, heads);
    const operands = { q, k, v, bias };
    const width = q.shape[2]!;
    const [partQ, partK] = [q, k].map(({ bytes }) => alignBytes(bytes) / 4) as [number, number];
    const gradients = Tensor.empty(device, [partQ + 2 * partK]);
    const dbias = bias && wants(3) ? into(3) : undefined;
    const targets = {
      dqRow: width,
      dqStart: 0,
      dkRow: width,
      dkStart: partQ,
      dvStart: partQ + partK,
    };
    backward(layout, operands, { o, statistics, dy, gradients, targets, dbias });
    return [
      gradients.alias(q.shape),
      gradients.alias(k.shape, 4 * partQ),
      gradients.alias(v.shape, 4 * (partQ + partK)),
      dbias ?? null,
    ];
  },
});

/**
 * Multi-head attention softmax(q kᵀ / √d + bias) v, all f32. q [B, N, D], k and v [B, M, D], features ordered heads x d;
 * bias [H, N, M] or [B, H, N, M] -> [B, N, D]. What is not finite goes as in `selfAttention`.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, bias?: Tensor): Tensor {
  return crossOp(bias ? [q, k, v, bias] : [q, k, v], { heads });
}
