/**
 * Every public op, small: which dtypes its inputs may have and PyTorch's answer, written as plain loops over numbers that
 * may be NaN or infinite. `dtypes.test.ts` and `nonFinite.test.ts` walk over it.
 */

import type { DType, Tensor } from "../../src/engine/graph/tensor.ts";
import * as ops from "../../src/engine/ops/index.ts";
import { array64 } from "../array64.ts";
import { broadcast64 } from "../broadcast64.ts";
import { elementwiseOps } from "./elementwiseTable.ts";

type Numbers = readonly number[];

export interface Input {
  /** What its dtype may be, the usual one first; `"same"` as the first input. */
  takes: readonly DType[] | "same";
  shape: readonly number[];
  values: Numbers;
}

export interface OpRow {
  op: string;
  inputs: readonly Input[];
  run(...inputs: Tensor[]): Tensor;
  /** The values of the result; what the op gives for the usual dtypes when absent. */
  reference?: (...inputs: Numbers[]) => Numbers;
  /** Dtype of the result; that of the first input when absent. */
  gives?: DType;
  /**
   * Where the docstring says that infinity, or what is not finite at all, goes another way than in PyTorch: there any value
   * that is not finite will do, or none is put in.
   */
  nonFinite?: "some" | "none";
}

const FLOAT = ["f32"] as const;
const WHOLE = ["u32", "i32"] as const;
const ANY = ["f32", "i32", "u32"] as const;

const input = (takes: Input["takes"], shape: readonly number[], values: Numbers): Input => ({
  takes,
  shape,
  values,
});
const float = (shape: readonly number[], ...values: number[]) => input(FLOAT, shape, values);
const index = (shape: readonly number[], ...values: number[]) => input(WHOLE, shape, values);
const any = (shape: readonly number[], ...values: number[]) => input(ANY, shape, values);

/** Values that only move: where each value of the result comes from. */
const moved =
  (...from: number[]) =>
  (x: Numbers) =>
    from.map((at) => x[at]!);

/** A function of each row of n values. */
const byRow = (n: number, f: (row: Numbers) => Numbers) => (x: Numbers) =>
  Array.from({ length: x.length / n }, (_, row) => f(x.slice(row * n, row * n + n))).flat();

const total = (x: Numbers): number => x.reduce((a, b) => a + b, 0);
const mean = (x: Numbers): number => total(x) / x.length;
/** NaN is the largest value. */
const key = (v: number): number => (Number.isNaN(v) ? Number.POSITIVE_INFINITY : v);
const isBefore = (a: number, b: number): boolean =>
  Number.isNaN(a) ? !Number.isNaN(b) : key(a) > key(b) && !Number.isNaN(b);
const argmax = (row: Numbers): number => row.reduce((best, v, i) => (isBefore(v, row[best]!) ? i : best), 0);
const descending = (row: Numbers): number[] =>
  row
    .map((_, i) => i)
    .sort((p, q) => (isBefore(row[p]!, row[q]!) ? -1 : isBefore(row[q]!, row[p]!) ? 1 : p - q));

function logSoftmax(row: Numbers): number[] {
  const most = Math.max(...row);
  const log = Math.log(total(row.map((v) => Math.exp(v - most))));
  return row.map((v) => v - most - log);
}
const softmax = (row: Numbers): number[] => {
  const most = Math.max(...row);
  const powers = row.map((v) => Math.exp(v - most));
  return powers.map((power) => power / total(powers));
};
const normalized = (row: Numbers): number[] => {
  const centre = mean(row);
  const variance = mean(row.map((v) => (v - centre) ** 2));
  return row.map((v) => (v - centre) / Math.sqrt(variance + 1e-6));
};

/** a [m, k] times b [k, n]. */
const product = (m: number, n: number, k: number, a: Numbers, b: Numbers): number[] =>
  Array.from({ length: m * n }, (_, at) =>
    total(Array.from({ length: k }, (_, p) => a[Math.floor(at / n) * k + p]! * b[p * n + (at % n)]!)),
  );
const transposed = (rows: number, columns: number, x: Numbers): number[] =>
  Array.from({ length: rows * columns }, (_, at) => x[(at % rows) * columns + Math.floor(at / rows)]!);
/** x [m, k] times weight [n, k], plus bias [n]. */
const affine = (x: Numbers, weight: Numbers, bias: Numbers): number[] => {
  const n = bias.length;
  const k = weight.length / n;
  return product(x.length / k, n, k, x, transposed(n, k, weight)).map((v, at) => v + bias[at % n]!);
};

/** One head of four values: q [n, 4], k and v [m, 4]. */
function attention(q: Numbers, k: Numbers, v: Numbers): number[] {
  const [n, m] = [q.length / 4, k.length / 4];
  const scores = product(n, m, 4, q, transposed(m, 4, k)).map((score) => score / 2);
  return product(n, 4, m, byRow(m, softmax)(scores), v);
}

const ramp = (n: number): number[] => Array.from({ length: n }, (_, i) => ((i * 5) % 7) - 3);
const tokens = (count: number) => float([1, count, 4], ...ramp(4 * count));
const elementwise = Object.entries(elementwiseOps).map(([op, row]): OpRow => {
  const takes = row.takes ?? FLOAT;
  const a = input(takes, [2, 3], [-1, 5, 2, 0, 3, 1]);
  const b = input("same", [3], [1, 5, 4]);
  return {
    op,
    inputs: row.inputs === 1 ? [a] : [a, b],
    run: (x, y) => row.op(x!, y!),
    reference: (x, y = []) =>
      row.inputs === 1
        ? x!.map((v) => row.of(v, v))
        : Array.from(broadcast64(row.of)(array64([2, 3], x), array64([3], y)).data),
  };
});

const key0 = { seed: 3, stream: "dropout" } as const;

/** The places of x [1, 2, 2, 1] that the window of 3 x 3 around each pixel sees, -1 beyond the edges. */
const windows = [
  [-1, -1, -1, -1, 0, 1, -1, 2, 3],
  [-1, -1, -1, 0, 1, -1, 2, 3, -1],
  [-1, 0, 1, -1, 2, 3, -1, -1, -1],
  [0, 1, -1, 2, 3, -1, -1, -1, -1],
];

export const everyOp: readonly OpRow[] = [
  ...elementwise,
  {
    op: "fill",
    inputs: [],
    run: () => {
      throw new Error("fill has no inputs");
    },
  },
  {
    op: "argsort",
    inputs: [any([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.argsort(x!, { descending: true }),
    reference: byRow(4, descending),
    gives: "u32",
  },
  {
    op: "attention",
    inputs: [tokens(2), tokens(3), tokens(3)],
    run: (q, k, v) => ops.attention(q!, k!, v!, 1),
    reference: (q, k, v) => attention(q!, k!, v!),
    nonFinite: "some",
  },
  {
    op: "selfAttention",
    inputs: [float([1, 2, 12], ...ramp(24)), float([1, 2, 2], 0, 1, -1, 0)],
    run: (qkv, bias) => ops.selfAttention(qkv!, 1, bias),
    reference(qkv, bias) {
      const part = (i: number) => [0, 12].flatMap((row) => qkv!.slice(row + 4 * i, row + 4 * i + 4));
      const scores = product(2, 2, 4, part(0), transposed(2, 4, part(1)));
      const p = byRow(2, softmax)(scores.map((score, at) => score / 2 + bias![at]!));
      return product(2, 4, 2, p, part(2));
    },
    nonFinite: "some",
  },
  {
    op: "batchNorm",
    inputs: [
      float([3, 2], 1, 2, 3, 5, 0, 4),
      float([2], 1, 2),
      float([2], 3, 0),
      float([2], 1, 2),
      float([2], 4, 1),
    ],
    run: (x, weight, bias, runningMean, runningVar) =>
      ops.batchNorm(x!, {
        weight: weight!,
        bias: bias!,
        runningMean: runningMean!,
        runningVar: runningVar!,
        training: false,
      }),
    reference: (x, weight, bias, m, v) =>
      x!.map(
        (value, i) => ((value - m![i % 2]!) / Math.sqrt(v![i % 2]! + 1e-5)) * weight![i % 2]! + bias![i % 2]!,
      ),
  },
  {
    op: "batchNorm",
    inputs: [float([3, 2], 1, 2, 3, 5, 0, 4), float([2], 0, 0), float([2], 1, 1)],
    run: (x, runningMean, runningVar) =>
      ops.batchNorm(x!, { runningMean: runningMean!, runningVar: runningVar!, training: true, eps: 1e-6 }),
    reference: (x) => transposed(2, 3, byRow(3, normalized)(transposed(3, 2, x!))),
  },
  {
    op: "cast",
    inputs: [any([4], 1, 2, 3, 200)],
    run: (x) => ops.cast(x!, "u32"),
    reference: (x) => x!,
    gives: "u32",
    nonFinite: "none",
  },
  {
    op: "cast",
    inputs: [any([4], -1, 2, 3, 200)],
    run: (x) => ops.cast(x!, "f32"),
    reference: (x) => x!,
    gives: "f32",
  },
  {
    op: "concat",
    inputs: [any([2, 2], -1, 2, 3, 4), input("same", [2, 1], [5, 6]), input("same", [2, 1], [7, 8])],
    run: (a, b, c) => ops.concat([a!, b!, c!], 1),
    reference: (a, b, c) => [a![0]!, a![1]!, b![0]!, c![0]!, a![2]!, a![3]!, b![1]!, c![1]!],
  },
  {
    op: "cropPictures",
    inputs: [index([2, 6], 0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0), input(["u32"], [2], [0x04030201, 0x0605])],
    run: (boxes, pictures) =>
      ops.cropPictures({ tensors: [pictures!], perShard: 2, count: 2, width: 1, height: 1 }, boxes!, {
        size: 1,
        mean: [0, 0, 0],
        std: [1, 1, 1],
      }),
    reference: () => [1, 2, 3, 4, 5, 6].map((level) => level / 255),
    gives: "f32",
  },
  {
    op: "crossEntropy",
    inputs: [float([2, 3], 1, 2, 0, -1, 0, 3), index([2], 1, 2)],
    run: (logits, labels) => ops.crossEntropy(logits!, labels!, { reduction: "none" }),
    reference: (x, labels) =>
      labels!.map((label, row) => -logSoftmax(x!.slice(3 * row, 3 * row + 3))[label]!),
  },
  {
    op: "crossEntropy",
    inputs: [float([2, 3], 1, 2, 0, -1, 0, 3), index([2], 9, 2)],
    run: (logits, labels) => ops.crossEntropy(logits!, labels!, { reduction: "none", ignoreIndex: 9 }),
    reference: (x) => [0, -logSoftmax(x!.slice(3))[2]!],
    nonFinite: "some",
  },
  {
    op: "crossEntropy",
    inputs: [float([2, 3], 1, 2, 0, -1, 0, 3), float([2, 3], 0.5, 0.25, 0.25, 0, 1, 0.5)],
    run: (logits, target) => ops.crossEntropy(logits!, target!),
    reference(x, t) {
      const logs = byRow(3, logSoftmax)(x!);
      return [-total(t!.map((weight, i) => (weight === 0 ? 0 : weight * logs[i]!))) / 2];
    },
    nonFinite: "some",
  },
  {
    op: "dropout",
    inputs: [float([2, 3], 1, 2, 3, 4, 5, 6), index([], 7)],
    run: (x, step) => ops.dropout(x!, 1e-9, { ...key0, step: step! }),
    reference: (x) => x!,
  },
  {
    op: "dropPath",
    inputs: [float([2, 3], 1, 2, 3, 4, 5, 6), index([], 7)],
    run: (x, step) => ops.dropPath(x!, 1e-9, { ...key0, step: step! }),
    reference: (x) => x!,
  },
  {
    op: "expand",
    inputs: [any([2, 1], -1, 5)],
    run: (x) => ops.expand(x!, [2, 2]),
    reference: moved(0, 0, 1, 1),
  },
  {
    op: "gather",
    inputs: [any([2, 3], -1, 2, 3, 4, 5, 6), index([2, 2], 2, 0, 1, 1)],
    run: (x, at) => ops.gather(x!, 1, at!),
    reference: (x) => moved(2, 0, 4, 4)(x!),
  },
  {
    op: "gatherTokens",
    inputs: [any([1, 3, 2], -1, 2, 3, 4, 5, 6), index([1, 2], 2, 0)],
    run: (x, at) => ops.gatherTokens(x!, at!),
    reference: (x) => moved(4, 5, 0, 1)(x!),
  },
  {
    op: "indexSelect",
    inputs: [any([3, 2], -1, 2, 3, 4, 5, 6), index([2], 2, 0)],
    run: (x, at) => ops.indexSelect(x!, at!),
    reference: (x) => moved(4, 5, 0, 1)(x!),
  },
  {
    op: "layerNorm",
    inputs: [float([2, 4], 1, 2, 0, 4, -1, 0, 3, 5), float([4], 1, 2, 1, 1), float([4], 0, 1, 0, 2)],
    run: (x, weight, bias) => ops.layerNorm(x!, weight, bias),
    reference: (x, weight, bias) =>
      byRow(4, normalized)(x!).map((v, i) => v * weight![i % 4]! + bias![i % 4]!),
  },
  {
    op: "linear",
    inputs: [float([2, 3], 1, 2, 0, -1, 3, 1), float([2, 3], 1, 1, 2, 0, -1, 1), float([2], 3, 4)],
    run: (x, weight, bias) => ops.linear(x!, weight!, bias),
    reference: (x, weight, bias) => affine(x!, weight!, bias!),
  },
  {
    op: "linear",
    inputs: [float([2, 3], 1, 2, 0, -1, 3, 1), float([2, 3], 1, 1, 2, 0, -1, 1)],
    run: (x, weight) => ops.linear(x!, weight!),
    reference: (x, weight) => affine(x!, weight!, [0, 0]),
  },
  {
    op: "mlp",
    inputs: [
      float([2, 4], 1, 2, 0, 1, -1, 3, 1, 0),
      float([4, 4], ...ramp(16)),
      float([4], 0, 1, 0, -1),
      float([4, 4], ...ramp(16)),
      float([4], 1, 0, 2, 1),
      float([2, 4], ...ramp(8)),
    ],
    run: (x, w1, b1, w2, b2, residual) =>
      ops.mlp(x!, { fc1: { weight: w1!, bias: b1! }, fc2: { weight: w2!, bias: b2! } }, "erf", residual),
    reference(x, w1, b1, w2, b2, residual) {
      const activated = affine(x!, w1!, b1!).map((v) => elementwiseOps.gelu!.of(v, v));
      return affine(activated, w2!, b2!).map((v, i) => v + residual![i]!);
    },
    nonFinite: "some", // gelu is 0 in f32 where it is tiny in float64, and 0 times infinity NaN
  },
  {
    op: "meanSquaredError",
    inputs: [float([2, 2], 1, 2, 3, 4), float([2, 2], 0, 2, 5, 1)],
    run: (a, b) => ops.meanSquaredError(a!, b!),
    reference: (a, b) => [mean(a!.map((v, i) => (v - b![i]!) ** 2))],
  },
  {
    op: "smoothL1",
    inputs: [float([2, 2], 1, 2, 3, 4), float([2, 2], 0.5, 2, 5, 1)],
    run: (a, b) => ops.smoothL1(a!, b!),
    reference(a, b) {
      const distances = a!.map((v, i) => Math.abs(v - b![i]!));
      return [mean(distances.map((d) => (d < 1 ? d ** 2 / 2 : d - 0.5)))];
    },
    nonFinite: "some",
  },
  {
    op: "matmul",
    inputs: [float([2, 3], 1, 2, 0, -1, 3, 1), float([3, 2], 3, 4, 1, 0, 2, -1)],
    run: (a, b) => ops.matmul(a!, b!),
    reference: (a, b) => product(2, 2, 3, a!, b!),
  },
  {
    op: "argmax",
    inputs: [any([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.argmax(x!, 1),
    reference: byRow(4, (row) => [argmax(row)]),
    gives: "u32",
  },
  {
    op: "max",
    inputs: [any([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.max(x!, 1),
    reference: byRow(4, (row) => [row[argmax(row)]!]),
  },
  {
    op: "max",
    inputs: [any([2, 4], -1, 5, 2, -5, 0, 3, 3, -1)],
    run: (x) => ops.max(x!, 0),
    reference: (x) => byRow(2, (row) => [row[argmax(row)]!])(transposed(2, 4, x!)),
  },
  {
    op: "mean",
    inputs: [float([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.mean(x!, 1),
    reference: byRow(4, (row) => [mean(row)]),
  },
  {
    op: "normalize",
    inputs: [float([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.normalize(x!),
    reference: byRow(4, (row) => row.map((v) => v / Math.sqrt(total(row.map((w) => w * w))))),
  },
  {
    op: "pad",
    inputs: [any([2], -1, 5)],
    run: (x) => ops.pad(x!, [[1, 2]], 9),
    reference: (x) => [9, ...x!, 9, 9],
  },
  {
    op: "patchify",
    inputs: [any([1, 2, 4, 1], -1, 2, 3, 4, 5, 6, 7, 8)],
    run: (x) => ops.patchify(x!, 2),
    reference: moved(0, 1, 4, 5, 2, 3, 6, 7),
  },
  {
    op: "unpatchify",
    inputs: [any([1, 2, 4], -1, 2, 3, 4, 5, 6, 7, 8)],
    run: (x) => ops.unpatchify(x!, 2, { grid: [1, 2] }),
    reference: moved(0, 1, 4, 5, 2, 3, 6, 7),
  },
  {
    op: "permute",
    inputs: [any([2, 3], -1, 2, 3, 4, 5, 6)],
    run: (x) => ops.permute(x!, [1, 0]),
    reference: moved(0, 3, 1, 4, 2, 5),
  },
  {
    op: "transpose",
    inputs: [any([2, 3], -1, 2, 3, 4, 5, 6)],
    run: (x) => ops.transpose(x!, 0, 1),
    reference: moved(0, 3, 1, 4, 2, 5),
  },
  {
    op: "normal",
    inputs: [index([], 5)],
    run: (step) => ops.normal(step!.device, [4], { ...key0, step: step! }),
    gives: "f32",
  },
  {
    op: "uniform",
    inputs: [index([], 5)],
    run: (step) => ops.uniform(step!.device, [4], { ...key0, step: step! }),
    gives: "f32",
  },
  {
    op: "reshape",
    inputs: [any([2, 3], -1, 2, 3, 4, 5, 6)],
    run: (x) => ops.reshape(x!, [3, -1]),
    reference: (x) => x!,
  },
  {
    op: "resize",
    inputs: [float([1, 2, 2, 1], 1, 2, 3, 5)],
    run: (x) => ops.resize(x!, { height: 2, width: 4, mode: "bilinear" }),
    reference(x) {
      const across = Array.from(ops.resizeMatrix(2, 4, "bilinear"));
      return product(2, 4, 2, x!, transposed(4, 2, across));
    },
  },
  {
    op: "scatterAdd",
    inputs: [float([2, 3], -1, 2, 3, 4, 5, 6), index([2, 3], 0, 1, 1, 0, 0, 1)],
    run: (src, at) => ops.scatterAdd([2, 2], 1, at!, src!),
    reference: (x) => [x![0]!, x![1]! + x![2]!, x![3]! + x![4]!, x![5]!],
  },
  {
    op: "scatterTokens",
    inputs: [float([1, 3, 2], -1, 2, 3, 4, 5, 6), index([1, 3], 1, 0, 1)],
    run: (src, at) => ops.scatterTokens(src!, at!, 2),
    reference: (x) => [x![2]!, x![3]!, x![0]! + x![4]!, x![1]! + x![5]!],
  },
  {
    op: "slice",
    inputs: [any([2, 3], -1, 2, 3, 4, 5, 6)],
    run: (x) => ops.slice(x!, 1, 1),
    reference: moved(1, 2, 4, 5),
  },
  {
    op: "logSoftmax",
    inputs: [float([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.logSoftmax(x!),
    reference: byRow(4, logSoftmax),
  },
  {
    op: "softmax",
    inputs: [float([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.softmax(x!),
    reference: byRow(4, softmax),
  },
  {
    op: "sum",
    inputs: [float([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.sum(x!, 1),
    reference: byRow(4, (row) => [total(row)]),
  },
  {
    op: "sum",
    inputs: [float([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.sum(x!, 0),
    reference: (x) => [0, 1, 2, 3].map((i) => x![i]! + x![i + 4]!),
  },
  {
    op: "topK",
    inputs: [any([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.topK(x!, 2).values,
    reference: byRow(4, (row) =>
      descending(row)
        .slice(0, 2)
        .map((i) => row[i]!),
    ),
  },
  {
    op: "topK",
    inputs: [any([2, 4], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.topK(x!, 2).indices,
    reference: byRow(4, (row) => descending(row).slice(0, 2)),
    gives: "u32",
  },
  {
    op: "conv2d",
    inputs: [float([1, 2, 2, 1], -1, 5, 2, 3), float([1, 3, 3, 1], ...ramp(9)), float([1], 2)],
    run: (x, weight, bias) => ops.conv2d(x!, weight!, bias!),
    reference: (x, weight, bias) =>
      windows.map((window) => total(window.map((at, i) => (x![at] ?? 0) * weight![i]!)) + bias![0]!),
  },
  {
    op: "maxPool2d",
    inputs: [any([1, 2, 4, 1], -1, 5, 2, 5, 0, 3, 3, 1)],
    run: (x) => ops.maxPool2d(x!, 2),
    reference: (x) =>
      [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
      ].map((square) => {
        const values = square.map((at) => x![at]!);
        return values[argmax(values)]!;
      }),
  },
  {
    op: "unfold",
    inputs: [any([1, 2, 2, 1], -1, 5, 2, 3)],
    run: (x) => ops.unfold(x!, 3),
    reference: (x) => windows.flat().map((at) => x![at] ?? 0),
  },
  {
    op: "where",
    inputs: [any([3], -1, 2, 3), input("same", [3], [5, 6, 7]), any([3], 1, 0, 2)],
    run: (a, b, condition) => ops.where(condition!, a!, b!),
    reference: (a, b, condition) => condition!.map((c, i) => (c !== 0 ? a![i]! : b![i]!)),
  },
];
