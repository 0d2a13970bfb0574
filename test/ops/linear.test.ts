import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { gelu, geluTanh } from "../../src/engine/ops/elementwise.ts";
import { linear, mlp } from "../../src/engine/ops/linear.ts";
import { type Array64, array64, random64, testRandom } from "../array64.ts";
import { checkOp, expectClose } from "../checkOp.ts";
import { erf64 } from "../erf64.ts";
import { matmul64 } from "../matmul64.ts";
import { withDevice } from "../withDevice.ts";

/** x Wᵀ + b, plus a residual. */
function linear64(x: Array64, weight: Array64, bias: Array64, residual?: Array64): Array64 {
  const [n, k] = weight.shape as [number, number];
  const flat = { shape: [x.data.length / k, k], data: x.data };
  const y = matmul64({ transposeB: true })(flat, weight);
  const values = y.data.map((v, i) => v + bias.data[i % n]! + (residual?.data[i] ?? 0));
  return array64([...x.shape.slice(0, -1), n], values);
}

checkOp("linear", (x, weight, bias, residual) => linear(x!, weight!, bias, residual), linear64, [
  { shapes: [[3, 4], [5, 4], [5]] },
  { shapes: [[2, 3, 8], [12, 8], [12]] },
  { shapes: [[7], [3, 7], [3]] },
  { shapes: [[150, 6], [10, 6], [10]] },
  { shapes: [[33, 5], [36, 5], [36]] },
  { shapes: [[2, 3, 8], [12, 8], [12], [2, 3, 12]] },
  { shapes: [[5, 4], [3, 4], [3], [5, 3]] },
]);

const forms = {
  erf: (x: number) => (x / 2) * (1 + erf64(x / Math.SQRT2)),
  tanh: (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

for (const form of ["erf", "tanh"] as const) {
  const mlp64 = (
    x: Array64,
    w1: Array64,
    b1: Array64,
    w2: Array64,
    b2: Array64,
    residual?: Array64,
  ): Array64 => {
    const hidden = linear64(x, w1, b1);
    return linear64(array64(hidden.shape, hidden.data.map(forms[form])), w2, b2, residual);
  };
  const op = (x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, residual?: Tensor) =>
    mlp(x, { fc1: { weight: w1, bias: b1 }, fc2: { weight: w2, bias: b2 } }, form, residual);
  checkOp(`mlp ${form}`, op as (...inputs: Tensor[]) => Tensor, mlp64, [
    { shapes: [[3, 4], [8, 4], [8], [4, 8], [4]] },
    { shapes: [[2, 5, 4], [16, 4], [16], [8, 16], [8], [2, 5, 8]] },
    { shapes: [[37, 12], [20, 12], [20], [12, 20], [12], [37, 12]] },
  ]);
}

describe("mlp against its composed form", () => {
  const on = withDevice();
  test.each(["erf", "tanh"] as const)("%s: values and gradients", async (form) => {
    const next = testRandom(5);
    const tensor = (...shape: number[]) =>
      Tensor.from(on.device, Float32Array.from(random64(shape, next, -1, 1).data), shape);
    const [x, w1, b1, w2, b2] = [tensor(19, 8), tensor(32, 8), tensor(32), tensor(8, 32), tensor(8)];
    const fused = mlp(x, { fc1: { weight: w1, bias: b1 }, fc2: { weight: w2, bias: b2 } }, form, x);
    const act = form === "erf" ? gelu : geluTanh;
    const composed = linear(act(linear(x, w1, b1)), w2, b2, x);
    const seed = tensor(19, 8);
    const wrt = [x, w1, b1, w2, b2];
    const [a, b] = [grad(fused, wrt, { seed }), grad(composed, wrt, { seed })];
    expect(await fused.read()).toEqual(await composed.read());
    for (const [i, gradient] of a.entries()) {
      expectClose(`gradient ${i}`, await gradient.read(), await b[i]!.read(), 1e-6);
    }
  });
});
