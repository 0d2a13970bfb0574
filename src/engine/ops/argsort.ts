import argsortWgsl from "../../shaders/argsort.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import sortKeyWgsl from "../../shaders/sortKey.wgsl";
import { type Constants, kernel } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import { type DType, Tensor } from "../graph/tensor.ts";

const WORKGROUP = 256;
/** Longest row that is ranked by counting, in one dispatch. */
const LONGEST = 1024;
/** Pairs that one workgroup sorts in its own memory. */
const BLOCK = 2 * WORKGROUP;

/** Constants of sortKey.wgsl for values of a dtype. */
/* @__NO_SIDE_EFFECTS__ */
export function orderOf(dtype: DType, descending = false): Constants {
  return { FLOAT: dtype === "f32", SIGNED: dtype === "i32", DESCENDING: descending };
}

/* @__NO_SIDE_EFFECTS__ */
const variant = (entry: string, order: Constants) =>
  kernel(entry, [sortKeyWgsl, gridWgsl, argsortWgsl], { WORKGROUP, LONGEST, ...order });

// Once the keys are made, the order no longer matters: these serve all dtypes and both directions.
const network = {
  blocks: variant("argsort_blocks", orderOf("f32")),
  flip: variant("argsort_flip", orderOf("f32")),
  shift: variant("argsort_shift", orderOf("f32")),
  merge: variant("argsort_merge", orderOf("f32")),
  store: variant("argsort_store", orderOf("f32")),
};

const op = defineOp<[Tensor], boolean>({
  name: "argsort",
  takes: { x: ANY },
  dtype: "u32",
  shape([x]) {
    if (x.length === 0) throw new Error("argsort: x needs at least one axis; got a scalar");
    return x;
  },
  forward({ inputs: [x], params: descending, output: y }) {
    const n = x.shape.at(-1)!;
    const order = orderOf(x.dtype, descending);
    if (n > LONGEST) sortLong(x, y, order);
    else x.device.run(variant("argsort_ranks", order), [words(x.size / n, n, 0, 0), x, y], x.size / n);
  },
  backward: () => [null],
});

/** A bitonic sort of (key, index) pairs: steps that fit a block in workgroup memory, wider ones over all pairs. */
function sortLong(x: Tensor, y: Tensor, order: Constants): void {
  const { device } = x;
  const n = x.shape.at(-1)!;
  const rows = x.size / n;
  const padded = 2 ** Math.ceil(Math.log2(n));
  const count = rows * padded;
  const pairs = Tensor.empty(device, [rows, padded, 2], "u32");
  const sizes = (step: number) => words(rows, n, padded, step);
  device.run(variant("argsort_load", order), [sizes(0), x, pairs], Math.ceil(count / WORKGROUP));
  device.run(network.blocks, [sizes(0), pairs], count / BLOCK);
  for (let step = 2 * BLOCK; step <= padded; step *= 2) {
    device.run(network.flip, [sizes(step), pairs], count / BLOCK);
    for (let shift = step / 2; shift > BLOCK; shift /= 2) {
      device.run(network.shift, [sizes(shift), pairs], count / BLOCK);
    }
    device.run(network.merge, [sizes(0), pairs], count / BLOCK);
  }
  device.run(network.store, [sizes(0), pairs, y], Math.ceil(y.size / WORKGROUP));
}

/**
 * The order of the values along the last axis: y[..., r] is the index of the value with r values before it, equal
 * values in the order they have. x [..., N] of any dtype -> u32 [..., N]; N up to 2^20 and beyond. Not differentiable.
 * torch.argsort(x, stable=True, descending); NaN counts as the largest value and -0 equals 0, as there.
 */
export const argsort = (x: Tensor, { descending = false }: { descending?: boolean } = {}): Tensor =>
  op([x], descending);
