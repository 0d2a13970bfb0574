import maxWgsl from "../../shaders/max.wgsl";
import sortKeyWgsl from "../../shaders/sortKey.wgsl";
import { words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import { type DType, type Shape, sizeOf, Tensor } from "../graph/tensor.ts";
import { orderOf } from "./argsort.ts";
import { normalizeAxes, reducedShape } from "./axes.ts";
import { columnKernel, flatKernel, rowKernel } from "./reduce.ts";

interface Params {
  axis: number;
  keepDims: boolean;
}

/* @__NO_SIDE_EFFECTS__ */
const wholeText = (): string => [sortKeyWgsl, maxWgsl].join("\n");
const text = wholeText();
/* @__NO_SIDE_EFFECTS__ */
const kernelsFor = (dtype: DType) => ({
  alongRows: rowKernel("max_forward", text, { ACROSS: false, ...orderOf(dtype) }),
  acrossColumns: columnKernel("max_forward", text, { ACROSS: true, ...orderOf(dtype) }),
});
const kernels = { f32: kernelsFor("f32"), i32: kernelsFor("i32"), u32: kernelsFor("u32") };
/* @__NO_SIDE_EFFECTS__ */
const spreading = () => flatKernel("max_backward", text, { ACROSS: false, ...orderOf("f32") });
const spread = spreading();

function sizesOf(x: Shape, axis: number) {
  const n = x[axis]!;
  const inner = sizeOf(x.slice(axis + 1));
  const results = sizeOf(x) / n;
  return { n, inner, results, words: words(results, n, inner) };
}

/** Fills y with the largest values and index with the first places that hold them. */
function findLargest(x: Tensor, axis: number, y: Tensor, index: Tensor): void {
  const { n, inner, results, words } = sizesOf(x.shape, axis);
  const bindings = [words, x, y, index];
  const { alongRows, acrossColumns } = kernels[x.dtype];
  if (inner === 1) alongRows(x.device, { rows: results, n }, bindings);
  else acrossColumns(x.device, { columns: results, n }, bindings);
}

const maxOp = defineOp<[Tensor], Params, Tensor>({
  name: "max",
  takes: { x: ANY },
  shape: ([x], { axis, keepDims }) => reducedShape(x, [axis], keepDims),
  forward({ device, inputs: [x], params: { axis }, output: y }) {
    const index = Tensor.empty(device, y.shape, "u32");
    findLargest(x, axis, y, index);
    return index;
  },
  backward({ device, inputs: [x], params: { axis }, saved: index, into }, dy) {
    const dx = into(0);
    spread(device, x.size, [sizesOf(x.shape, axis).words, index, dy, dx]);
    return [dx];
  },
});

const argmaxOp = defineOp<[Tensor], Params>({
  name: "argmax",
  takes: { x: ANY },
  dtype: "u32",
  shape: ([x], { axis, keepDims }) => reducedShape(x, [axis], keepDims),
  forward({ device, inputs: [x], params: { axis }, output: index }) {
    findLargest(x, axis, Tensor.empty(device, index.shape), index);
  },
  backward: () => [null],
});

/**
 * The largest value along one axis (negative: from the end). x [..., n, ...] of any dtype -> x without the axis, or with
 * length 1 there. The gradient goes to the first of equal maxima. NaN counts as the largest value, as in torch.amax for
 * one axis, torch.max(x, dim).values.
 */
export const max = (x: Tensor, axis: number, keepDims = false): Tensor =>
  maxOp([x], { axis: normalizeAxes("max", x.shape, axis)[0]!, keepDims });

/**
 * Where along one axis the largest value is first reached, as u32; without gradient. x [..., n, ...] of any dtype -> x
 * without the axis, or with length 1 there. NaN counts as the largest value. torch.argmax.
 */
export const argmax = (x: Tensor, axis: number, keepDims = false): Tensor =>
  argmaxOp([x], { axis: normalizeAxes("argmax", x.shape, axis)[0]!, keepDims });
