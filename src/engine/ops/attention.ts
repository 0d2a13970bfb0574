import attentionWgsl from "../../shaders/attention.wgsl";
import backwardWgsl from "../../shaders/attentionBackward.wgsl";
import biasWgsl from "../../shaders/attentionBias.wgsl";
import noBiasWgsl from "../../shaders/attentionNoBias.wgsl";
import rowsWgsl from "../../shaders/attentionRows.wgsl";
import rowsSubgroupWgsl from "../../shaders/attentionRowsSubgroup.wgsl";
import type { Workgroups } from "../gpu/command.ts";
import type { Capabilities } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { alignBytes } from "../gpu/memory.ts";
import { sharing } from "../gpu/subgroups.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { FLOAT } from "../graph/takes.ts";
import { type Shape, Tensor } from "../graph/tensor.ts";

/** How the rows of a pass are shared out. Nothing here changes a bit of the result. */
interface Sharing {
  /** Lanes; a small subgroup is a workgroup, so that few lanes idle beyond the last row. */
  workgroup: number;
  /** Queries or keys of a lane. */
  own: number;
  /** Rows of the other side that are walked at a time. */
  block: number;
}

/** Whether subgroups are those of a software adapter: small, and loads cost most. */
const isSmall = (subgroupSize: number): boolean => subgroupSize === 4 || subgroupSize === 8;

/**
 * With small subgroups a lane has up to three of `own` rows, as many as leave the fewest idle, so that a loaded row of the
 * `others` serves all of them. A GPU hides loads behind other lanes and runs out of registers first: one row a lane.
 */
function sharingOf({ subgroupSize }: Capabilities, own: number, others: number): Sharing {
  if (!isSmall(subgroupSize)) {
    return { workgroup: subgroupSize > 8 ? Math.min(subgroupSize, 32) : 32, own: 1, block: 8 };
  }
  const costs = [1, 0.7, 0.55]; // of a row, measured
  const total = costs.map((cost, i) => cost * Math.ceil(own / (subgroupSize * (i + 1))) * (i + 1));
  return {
    workgroup: subgroupSize,
    own: total.indexOf(Math.min(...total)) + 1,
    block: 8 * Math.min(3, Math.ceil(others / 8)),
  };
}

/** The shape of one attention and where its operands lie: rows and starts in values. */
interface Layout {
  batch: number;
  queries: number;
  keys: number;
  heads: number;
  headSize: number;
  rows: { q: number; k: number; v: number };
  starts: { q: number; k: number; v: number };
}

interface Operands {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  bias: Tensor | undefined;
}

/** Where the gradients lie in one tensor, in values. */
interface Targets {
  dqRow: number;
  dqStart: number;
  dkRow: number;
  dkStart: number;
  dvStart: number;
}

const NO_TARGETS: Targets = { dqRow: 0, dqStart: 0, dkRow: 0, dkStart: 0, dvStart: 0 };

/** Products of matrices in each pass: scores and values; dp, dq, dk and dv besides scores; scores and dp. */
const PRODUCTS = {
  attention_forward: 2,
  attention_backward: 5,
  attention_backward_q: 3,
  attention_backward_kv: 4,
  attention_backward_bias: 2,
} as const;

/** Runs one entry point of the attention kernels on `rowCount` rows, shared out to lanes. `own` are bindings 4 to 7. */
function run(
  entry: keyof typeof PRODUCTS,
  layout: Layout,
  { q, k, v, bias }: Operands,
  own: (Tensor | null)[],
  [rowCount, ...groups]: Workgroups,
  targets: Targets = NO_TARGETS,
): void {
  const { batch, queries, keys, heads, headSize, rows, starts } = layout;
  const { dqRow, dqStart, dkRow, dkStart, dvStart } = targets;
  const strides = [
    rows.q,
    starts.q,
    rows.k,
    starts.k,
    rows.v,
    starts.v,
    dqRow,
    dqStart,
    dkRow,
    dkStart,
    dvStart,
  ];
  const each = bias?.shape.length === 4;
  const sizes = words(
    queries,
    keys,
    heads,
    headSize / 4,
    ...strides.map((values) => values / 4),
    each ? heads * queries * keys : 0,
    each ? 1 : batch,
    batch * heads * queries,
    f32Bits(1 / Math.sqrt(headSize)),
  );
  const shared = sharing(q.device.capabilities.subgroupSize);
  const rowsOf = shared.length > 0 ? [...shared, rowsSubgroupWgsl] : [rowsWgsl];
  const isWhole = entry === "attention_backward"; // a workgroup for all rows
  const { workgroup, own: ownRows, block } = sharingOf(q.device.capabilities, rowCount, isWhole ? 8 : keys);
  const perWorkgroup = workgroup * (entry === "attention_backward_bias" ? 1 : ownRows);
  const texts = [attentionWgsl, ...(isWhole ? [backwardWgsl] : []), ...rowsOf, bias ? biasWgsl : noBiasWgsl];
  const chosen = kernel(entry, texts, {
    WORKGROUP: workgroup,
    OWN: ownRows,
    BLOCK: block,
    D4: headSize / 4,
  });
  q.device.run(
    chosen,
    [sizes, q, k, v, ...own, ...(bias ? [bias] : [])],
    [isWhole ? 1 : Math.ceil(rowCount / perWorkgroup), ...groups],
    {
      flops: PRODUCTS[entry] * 2 * batch * heads * queries * keys * headSize,
      shape: [batch, heads, queries, keys, headSize],
    },
  );
}

/** Fills o; returns the statistics [2, batch, heads, queries]: lse, and room for backward's do·o. */
function forward(layout: Layout, operands: Operands, o: Tensor): Tensor {
  const { batch, queries, heads } = layout;
  const statistics = Tensor.empty(o.device, [2, batch, heads, queries]);
  run("attention_forward", layout, operands, [o, statistics, null, null], [queries, heads, batch]);
  return statistics;
}

/** Fills dq, dk and dv, which lie in one tensor. */
function backward(
  layout: Layout,
  operands: Operands,
  { o, statistics }: { o: Tensor; statistics: Tensor },
  dy: Tensor,
  out: Tensor,
  targets: Targets,
): void {
  const { batch, queries, keys, heads } = layout;
  const groupsQ = [queries, heads, batch] as const;
  const groupsK = [keys, heads, batch] as const;
  const own = [o, statistics, dy, out];
  if (isSmall(out.device.capabilities.subgroupSize)) {
    run("attention_backward", layout, operands, own, groupsK, targets);
  } else {
    run("attention_backward_q", layout, operands, own, groupsQ, targets); // also prepares do·o for the other
    run("attention_backward_kv", layout, operands, [null, statistics, dy, out], groupsK, targets);
  }
}

/** The gradient of the bias; runs after `backward`. */
function backwardBias(
  layout: Layout,
  operands: Operands,
  statistics: Tensor,
  dy: Tensor,
  dbias: Tensor,
): void {
  const { batch, queries, keys, heads } = layout;
  const groups = [queries * keys, heads, dbias.shape.length === 4 ? batch : 1] as const;
  run("attention_backward_bias", layout, operands, [null, statistics, dy, dbias], groups);
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

function checkBias(
  name: string,
  bias: Shape | undefined,
  batch: number,
  heads: number,
  queries: number,
  keys: number,
) {
  const fits =
    bias && (`${bias}` === `${[heads, queries, keys]}` || `${bias}` === `${[batch, heads, queries, keys]}`);
  if (bias && !fits) {
    throw new Error(
      `${name}: the bias must be [${heads},${queries},${keys}], or that with the batch ${batch} in front; got [${bias}]`,
    );
  }
}

/** Self-attention: where q, k and v lie in qkv [B, N, 3D]. */
function packedLayout(qkv: Shape, heads: number): Layout {
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

type SelfInputs = [qkv: Tensor] | [qkv: Tensor, bias: Tensor];

const selfOp = defineOp<SelfInputs, { heads: number }, Tensor>({
  name: "selfAttention",
  takes: { qkv: FLOAT, bias: FLOAT },
  shape([qkv, bias], { heads }) {
    const { batch, queries, keys, headSize } = packedLayout(qkv, heads);
    checkBias("selfAttention", bias, batch, heads, queries, keys);
    return [batch, queries, heads * headSize];
  },
  forward({ inputs: [qkv, bias], params: { heads }, output: o }) {
    return forward(packedLayout(qkv.shape, heads), { q: qkv, k: qkv, v: qkv, bias }, o);
  },
  backward({ inputs: [qkv, bias], params: { heads }, output: o, saved: statistics, wants, into }, dy) {
    const layout = packedLayout(qkv.shape, heads);
    const operands = { q: qkv, k: qkv, v: qkv, bias };
    const row = qkv.shape[2]!;
    const dqkv = into(0);
    const targets = { dqRow: row, dqStart: 0, dkRow: row, dkStart: row / 3, dvStart: (2 * row) / 3 };
    backward(layout, operands, { o, statistics }, dy, dqkv, targets);
    if (!bias || !wants(1)) return [dqkv, null];
    const dbias = into(1);
    backwardBias(layout, operands, statistics, dy, dbias);
    return [dqkv, dbias];
  },
});

/**
 * Multi-head self-attention softmax(q kᵀ / √d + bias) v on a packed projection, without a score matrix in memory.
 * qkv f32 [B, N, 3D], features ordered (q, k, v) x heads x d as in timm; bias [H, N, N] or [B, H, N, N] -> [B, N, D].
 * torch.nn.functional.scaled_dot_product_attention. NaN in a query's scores or in any value it attends to makes the head's
 * output NaN there; so does an infinite value, of which torch gives infinity, and a row of scores all at -infinity.
 */
export function selfAttention(qkv: Tensor, heads: number, bias?: Tensor): Tensor {
  return selfOp(bias ? [qkv, bias] : [qkv], { heads });
}

/** Separate q [B, N, D] and k, v [B, M, D]. */
function separateLayout(q: Shape, k: Shape, v: Shape, heads: number): Layout {
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

type CrossInputs = [q: Tensor, k: Tensor, v: Tensor] | [q: Tensor, k: Tensor, v: Tensor, bias: Tensor];

const crossOp = defineOp<CrossInputs, { heads: number }, Tensor>({
  name: "attention",
  takes: { q: FLOAT, k: FLOAT, v: FLOAT, bias: FLOAT },
  shape([q, k, v, bias], { heads }) {
    const { batch, queries, keys } = separateLayout(q, k, v, heads);
    checkBias("attention", bias, batch, heads, queries, keys);
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
    // One tensor, since they are one kernel's output.
    const [partQ, partK] = [q, k].map(({ bytes }) => alignBytes(bytes) / 4) as [number, number];
    const out = Tensor.empty(device, [partQ + 2 * partK]);
    backward(layout, operands, { o, statistics }, dy, out, {
      dqRow: width,
      dqStart: 0,
      dkRow: width,
      dkStart: partQ,
      dvStart: partQ + partK,
    });
    const gradients = [
      out.alias(q.shape),
      out.alias(k.shape, 4 * partQ),
      out.alias(v.shape, 4 * (partQ + partK)),
    ];
    if (!bias || !wants(3)) return [...gradients, null];
    const dbias = into(3);
    backwardBias(layout, operands, statistics, dy, dbias);
    return [...gradients, dbias];
  },
});

/**
 * Multi-head attention softmax(q kᵀ / √d + bias) v, all f32. q [B, N, D], k and v [B, M, D], features ordered heads x d;
 * bias [H, N, M] or [B, H, N, M] -> [B, N, D]. What is not finite goes as in `selfAttention`.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, bias?: Tensor): Tensor {
  return crossOp(bias ? [q, k, v, bias] : [q, k, v], { heads });
}
