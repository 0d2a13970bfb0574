/** Every elementwise op with its float64 definition: a new one needs a row here and one in `ops/elementwise.ts`. */

import type { DType, Tensor } from "../../src/engine/graph/tensor.ts";
import * as ops from "../../src/engine/ops/elementwise.ts";
import type { OpCase } from "../checkOp.ts";
import { erf64 } from "../erf64.ts";

export interface ElementwiseRow {
  op: (...inputs: [Tensor, Tensor]) => Tensor;
  /** The value in float64, for NaN and infinities too: PyTorch's answer. */
  of: (a: number, b: number) => number;
  inputs: 1 | 2;
  /** f32 alone when absent. */
  takes?: readonly DType[];
  /** Moves random inputs away from where the op has a kink, or makes them positive. */
  prepare?: (value: number, input: number) => number;
  /** Error of any value, however small: of erf, and of 1 - y² where y is near 1. */
  absolute?: number;
  /** Further cases, of one input. */
  more?: readonly OpCase[];
}

const awayFromZero = (v: number) => (Math.abs(v) < 0.01 ? 0.5 : v);
const positive = (v: number) => Math.abs(v) + 0.1;
const wide = (high: number): OpCase[] => [{ shapes: [[64]], low: -high, high }];
const anyType = ["f32", "i32", "u32"] as const;
const signed = ["f32", "i32"] as const;

const one = (
  op: (x: Tensor) => Tensor,
  of: (x: number) => number,
  rest: Omit<ElementwiseRow, "op" | "of" | "inputs"> = {},
): ElementwiseRow => ({ op, of, inputs: 1, ...rest });
const two = (
  op: (a: Tensor, b: Tensor) => Tensor,
  of: (a: number, b: number) => number,
  rest: Omit<ElementwiseRow, "op" | "of" | "inputs"> = {},
): ElementwiseRow => ({ op, of, inputs: 2, ...rest });

const gelu64 = (x: number) => (x / 2) * (1 + erf64(x / Math.SQRT2));
const geluTanh64 = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

export const elementwiseOps: Readonly<Record<string, ElementwiseRow>> = {
  neg: one(ops.neg, (x) => -x, { takes: signed }),
  exp: one(ops.exp, Math.exp),
  log: one(ops.log, Math.log, { prepare: positive }),
  sqrt: one(ops.sqrt, Math.sqrt, { prepare: positive }),
  rsqrt: one(ops.rsqrt, (x) => 1 / Math.sqrt(x), { prepare: positive }),
  square: one(ops.square, (x) => x * x, { takes: anyType }),
  reciprocal: one(ops.reciprocal, (x) => 1 / x, { prepare: positive }),
  abs: one(ops.abs, Math.abs, { takes: signed, prepare: awayFromZero }),
  tanh: one(ops.tanh, Math.tanh, { absolute: 2e-7, more: wide(100) }),
  sigmoid: one(ops.sigmoid, (x) => 1 / (1 + Math.exp(-x)), { absolute: 2e-7, more: wide(50) }),
  relu: one(ops.relu, (x) => Math.max(x, 0), { prepare: awayFromZero }),
  erf: one(ops.erf, erf64, { absolute: 4e-7, more: wide(6) }),
  gelu: one(ops.gelu, gelu64, { absolute: 2e-6, more: wide(8) }),
  geluTanh: one(ops.geluTanh, geluTanh64, { absolute: 1e-6, more: wide(8) }),
  scale: one(
    (x) => ops.scale(x, -2.5),
    (x) => -2.5 * x,
  ),
  add: two(ops.add, (a, b) => a + b, { takes: anyType }),
  sub: two(ops.sub, (a, b) => a - b, { takes: anyType }),
  mul: two(ops.mul, (a, b) => a * b, { takes: anyType }),
  div: two(ops.div, (a, b) => a / b, { prepare: (v, input) => (input === 1 ? Math.abs(v) + 0.3 : v) }),
  maximum: two(ops.maximum, Math.max, { takes: anyType }),
};
