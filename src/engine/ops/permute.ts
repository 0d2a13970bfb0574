import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import type { Tensor } from "../graph/tensor.ts";
import { normalizeAxes } from "./axes.ts";
import { type BoxAxis, mergeAxes, rearrange, stridesOf } from "./rearrange.ts";
import { reshape } from "./reshape.ts";

/** How axis i of the result lies in x and in y, given which axis of x it is. */
function boxOf(x: readonly number[], axes: readonly number[]): BoxAxis[] {
  const shape = axes.map((axis) => x[axis]!);
  const [inX, inY] = [stridesOf(x), stridesOf(shape)];
  return axes.map((axis, i) => ({ n: shape[i]!, x: inX[axis]!, y: inY[i]! }));
}

const op = defineOp<[Tensor], readonly number[]>({
  name: "permute",
  takes: { x: ANY },
  shape: ([x], axes) => axes.map((axis) => x[axis]!),
  forward({ inputs: [x], params: axes, output: y }) {
    rearrange(x, y, boxOf(x.shape, axes));
  },
  backward({ params: axes, output: y, into }, dy) {
    const inverse = axes.map((_, axis) => axes.indexOf(axis));
    const dx = into(0);
    rearrange(dy, dx, boxOf(y.shape, inverse));
    return [dx];
  },
});

/**
 * Reorders axes: axis i of the result is axis axes[i] of x. x [n0, n1, ...] -> [n_axes0, n_axes1, ...]. Any dtype;
 * no work on the GPU where the order in memory stays. torch.permute. Throws unless axes name every axis once.
 */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  const order = axes.map((axis) => normalizeAxes("permute", x.shape, axis)[0]!);
  if (new Set(order).size !== x.shape.length || order.length !== x.shape.length) {
    throw new Error(`permute: axes must name every axis of x [${x.shape}] once; got [${axes}]`);
  }
  const merged = mergeAxes(boxOf(x.shape, order));
  if (merged.length === 1 && merged[0]!.x === 1) {
    const shape = order.map((axis) => x.shape[axis]!);
    return reshape(x, shape);
  }
  return op([x], order);
}

/** Swaps two axes, negative ones counted from the end. torch.transpose. */
export function transpose(x: Tensor, i: number, j: number): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  const [p, q] = [i, j].map((axis) => normalizeAxes("transpose", x.shape, axis)[0]!) as [number, number];
  [axes[p], axes[q]] = [q, p];
  return permute(x, axes);
}
