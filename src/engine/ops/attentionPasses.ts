import attentionWgsl from "../../shaders/attention.wgsl";
import biasWgsl from "../../shaders/attentionBias.wgsl";
import noBiasWgsl from "../../shaders/attentionNoBias.wgsl";
import { MOST_GROUPS } from "../gpu/device.ts";
import { kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { Tensor } from "../graph/tensor.ts";
import type { AttentionKernel, Operand } from "./attentionKernels.ts";
import type { AttentionLayout } from "./attentionLayout.ts";
import { chooseAttention, KEPT_BYTES, keptBytes } from "./attentionMethods.ts";

/** What attention reads. */
export interface Operands {
  q: Tensor;
  k: Tensor;
  v: Tensor;
  bias: Tensor | undefined;
}

/** Where the gradients lie in one tensor, in values. */
export interface Targets {
  dqRow: number;
  dqStart: number;
  dkRow: number;
  dkStart: number;
  dvStart: number;
}

const NO_TARGETS: Targets = { dqRow: 0, dqStart: 0, dkRow: 0, dkStart: 0, dvStart: 0 };

/** The binding of each tensor, the same in all kernels. */
const BINDING: Record<Operand, number> = {
  q: 1,
  k: 2,
  v: 3,
  o: 4,
  statistics: 5,
  dy: 6,
  gradients: 7,
  dbias: 7,
  bias: 8,
  kept: 9,
};

type Tensors = Partial<Record<Operand, Tensor | undefined>>;

/** What a dispatch covers: pictures from the first, and where their gradients go. */
interface Part {
  first: number;
  count: number;
  targets: Targets;
}

/** Runs one kernel on some of the pictures; where pairs take more than `mostGroups` workgroups, each walks several. */
function run(
  chosen: AttentionKernel,
  layout: AttentionLayout,
  tensors: Tensors,
  part: Part,
  mostGroups = MOST_GROUPS,
): void {
  const { batch, queries, keys, heads, headSize, rows, starts } = layout;
  const { first, count, targets } = part;
  const { entry, sources, constants, by, span, binds, products } = chosen;
  const strides = [
    rows.q,
    starts.q,
    rows.k,
    starts.k,
    rows.v,
    starts.v,
    targets.dqRow,
    targets.dqStart,
    targets.dkRow,
    targets.dkStart,
    targets.dvStart,
  ];
  const { bias } = tensors;
  const isEach = bias?.shape.length === 4;
  const sizes = words(
    queries,
    keys,
    heads,
    headSize / 4,
    ...strides.map((values) => values / 4),
    isEach ? heads * queries * keys : 0,
    isEach ? 1 : count,
    batch * heads * queries,
    first,
    f32Bits(1 / Math.sqrt(headSize)),
  );
  const bindings: (Uint32Array | Tensor | null)[] = [sizes];
  for (const name of binds) {
    const tensor = tensors[name];
    if (tensor) bindings[BINDING[name]] = tensor;
  }
  const whole = { queries, keys, pairs: queries * keys }[by];
  const isShared = by === "pairs" && !isEach; // one gradient for all pictures
  const device = tensors.statistics!.device;
  device.run(
    kernel(entry, [attentionWgsl, ...sources, bias ? biasWgsl : noBiasWgsl], constants),
    Array.from(bindings, (bound) => bound ?? null),
    [Math.min(Math.ceil(whole / span), mostGroups), heads, isShared ? 1 : count],
    {
      flops: products * 2 * count * heads * queries * keys * headSize,
      shape: [count, heads, queries, keys, headSize],
    },
  );
}

/** Fills o; returns the statistics [2, batch, heads, queries], new ones unless given: lse, and room for backward's do·o. */
export function forward(
  layout: AttentionLayout,
  operands: Operands,
  o: Tensor,
  statistics = Tensor.empty(o.device, [2, layout.batch, layout.heads, layout.queries]),
): Tensor {
  const { batch } = layout;
  for (const chosen of chooseAttention(o.device, "forward", layout).kernels) {
    run(chosen, layout, { ...operands, o, statistics }, { first: 0, count: batch, targets: NO_TARGETS });
  }
  return statistics;
}

/** What `backward` reads besides the operands, and what it fills. */
export interface BackwardTensors {
  o: Tensor;
  statistics: Tensor;
  dy: Tensor;
  /** dq, dk and dv in one tensor: they are one kernel's output. */
  gradients: Tensor;
  targets: Targets;
  /** The gradient of the bias, if it is wanted. */
  dbias?: Tensor | undefined;
}

/**
 * Fills the gradients. Where ds is kept, `mostBytes` of it for a group of pictures at a time; the bias's gradient by
 * `mostGroups` workgroups a head. No bit depends on either.
 */
export function backward(
  layout: AttentionLayout,
  operands: Operands,
  { targets, ...others }: BackwardTensors,
  mostBytes = KEPT_BYTES,
  mostGroups = MOST_GROUPS,
): void {
  const { batch, queries, keys, heads } = layout;
  const { device } = others.o;
  const kernels = chooseAttention(device, "backward", layout).kernels.filter(
    ({ by }) => by !== "pairs" || others.dbias,
  );
  const tensors = { ...operands, ...others };
  const isGrouped = ({ binds }: AttentionKernel) => binds.includes("kept");
  for (const chosen of kernels.filter((one) => !isGrouped(one))) {
    run(chosen, layout, tensors, { first: 0, count: batch, targets }, mostGroups);
  }
  const grouped = kernels.filter(isGrouped);
  if (grouped.length === 0) return;
  const groups = Math.ceil(batch / Math.max(1, Math.floor(mostBytes / keptBytes(layout))));
  const most = Math.ceil(batch / groups);
  const kept = Tensor.empty(device, [most, heads, keys, 4 * Math.ceil(queries / 4)]);
  for (let first = 0; first < batch; first += most) {
    const part = { first, count: Math.min(most, batch - first), targets };
    for (const chosen of grouped) run(chosen, layout, { ...tensors, kept }, part, mostGroups);
  }
}
