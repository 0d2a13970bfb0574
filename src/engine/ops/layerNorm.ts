import layerNormWgsl from "../../shaders/layerNorm.wgsl";
import type { Device } from "../gpu/device.ts";
import type { Kernel } from "../gpu/kernel.ts";
import { f32Bits, words } from "../gpu/words.ts";
import { fill } from "../graph/fill.ts";
import { defineOp } from "../graph/op.ts";
import { FLOAT } from "../graph/takes.ts";
import { Tensor } from "../graph/tensor.ts";
import { columnKernel, LONGEST_PLAIN, rowKernel, rowReducing, rowsOf, summing } from "./reduce.ts";

/** Rows whose means one workgroup of the backward pass takes at once, and the most it takes in turn. */
const ROWS_AT_ONCE = 8;
const MOST_ROWS = 64;
/** Workgroups after which each takes more rows, so that there are fewer parts of dweight and dbias to add. */
const MANY_GROUPS = 1024;

/** layerNorm.wgsl for whole vectors of four, or for single values. */
/* @__NO_SIDE_EFFECTS__ */
const textFor = (VALUES: 1 | 4): string =>
  VALUES === 4
    ? summing(
        `alias V = vec4f;\nfn fold(v: V) -> f32 { return (v.x + v.y) + (v.z + v.w); }\n${layerNormWgsl}`,
        "vec4f",
      )
    : summing(`alias V = f32;\nfn fold(v: V) -> f32 { return v; }\n${layerNormWgsl}`);
/* @__NO_SIDE_EFFECTS__ */
const kernelsFor = (VALUES: 1 | 4) => {
  const text = textFor(VALUES);
  const constants = { MOST_ROWS, VALUES };
  return {
    forward: rowKernel("layerNorm_forward", text, { ...constants, ADDS: false }),
    backward: (device: Device, ADDS: boolean, LONG: boolean): Kernel =>
      rowReducing(device, "layerNorm_backward", text, {
        ...constants,
        ADDS,
        LONG,
        WORKGROUP: 64,
        LANES: 64 / ROWS_AT_ONCE,
      }),
  };
};
const kernels = { 1: kernelsFor(1), 4: kernelsFor(4) };
const addParts = columnKernel("layerNorm_columns", textFor(1), { MOST_ROWS, VALUES: 1, ADDS: false });
const kernelsOf = (n: number) => kernels[n % 4 === 0 ? 4 : 1];

/** Rows per workgroup of the backward pass: a function of the shape alone, so the order of additions is too. */
const spanOf = (rows: number): number =>
  Math.min(MOST_ROWS, ROWS_AT_ONCE * Math.ceil(rows / (ROWS_AT_ONCE * MANY_GROUPS)));

const op = defineOp<[Tensor, Tensor, Tensor], { eps: number }, Tensor>({
  name: "layerNorm",
  takes: { x: FLOAT, weight: FLOAT, bias: FLOAT },
  shape([x, weight, bias]) {
    const { n } = rowsOf("layerNorm", x);
    if (`${weight}` !== `${n}` || `${bias}` !== `${n}`) {
      throw new Error(
        `layerNorm: needs x [..., D], weight [D] and bias [D]; got x [${x}], weight [${weight}] and bias [${bias}]`,
      );
    }
    return x;
  },
  forward({ device, inputs: [x, weight, bias], params: { eps }, output: y }) {
    const { rows, n } = rowsOf("layerNorm", x.shape);
    const statistics = Tensor.empty(device, [rows, 2]);
    kernelsOf(n).forward(device, { rows, n }, [words(rows, n, f32Bits(eps)), x, weight, bias, y, statistics]);
    return statistics;
  },
  backward({ device, inputs: [x, weight], saved, wants, into, arrived }, dy) {
    const { rows, n } = rowsOf("layerNorm", x.shape);
    const span = spanOf(rows);
    const parts = Math.ceil(rows / span);
    const dx = into(0);
    const [dweightParts, dbiasParts] = [Tensor.empty(device, [parts, n]), Tensor.empty(device, [parts, n])];
    const sizes = words(rows, n, span);
    const before = arrived(0); // a residual's gradient, added here instead of in a pass of its own
    const bindings = [sizes, x, weight, saved, dy, dx, dweightParts, dbiasParts, before ?? dy];
    const { backward } = kernelsOf(n);
    device.run(backward(device, before !== null, n > LONGEST_PLAIN), bindings, parts);
    if (!wants(1) && !wants(2)) return [dx, null, null];
    const [dweight, dbias] = [into(1), into(2)];
    addParts(device, { columns: n, n: parts }, [words(parts, n), dweightParts, dbiasParts, dweight, dbias]);
    return [dx, dweight, dbias];
  },
});

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias over the last axis, with the biased variance.
 * x [..., D], weight [D] (ones when absent), bias [D] (zeros when absent), all f32 -> [..., D]. Statistics in f32, mean first.
 * torch.nn.functional.layer_norm; eps as in timm's ViT.
 */
export function layerNorm(x: Tensor, weight?: Tensor, bias?: Tensor, eps = 1e-6): Tensor {
  const { n } = rowsOf("layerNorm", x.shape);
  return op([x, weight ?? fill(x.device, [n], 1), bias ?? fill(x.device, [n], 0)], { eps });
}
