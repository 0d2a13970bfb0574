import { defineOp } from "../graph/op.ts";
import { checkDTypes, FLOAT } from "../graph/takes.ts";
import { type Shape, Tensor } from "../graph/tensor.ts";
import { add } from "./elementwise.ts";
import { type Gelu, gemm } from "./gemm.ts";
import { matmul } from "./matmul.ts";

/** Checks x [..., in], weight [out, in], bias [out]; returns the shape of the result. */
export function linearShape(name: string, x: Shape, weight: Shape, bias: Shape): Shape {
  const [n, k] = weight;
  if (weight.length !== 2 || x.length === 0 || x.at(-1) !== k || bias.length !== 1 || bias[0] !== n) {
    throw new Error(
      `${name}: needs x [..., in], weight [out, in] and bias [out]; got x [${x}], weight [${weight}], bias [${bias}]`,
    );
  }
  return [...x.slice(0, -1), n!];
}

/** m rows of x, n outputs, k inputs. */
const sizesOf = (x: Tensor, weight: Tensor) => {
  const [n, k] = weight.shape as [number, number];
  return { m: x.size / k, n, k };
};

/** The epilogue that adds a residual, if there is one. */
const plus = (residual: Tensor | undefined) =>
  residual ? { epilogue: { kind: "residual", residual } as const } : {};

type Inputs =
  | [x: Tensor, weight: Tensor, bias: Tensor]
  | [x: Tensor, weight: Tensor, bias: Tensor, residual: Tensor];

const takes = { x: FLOAT, weight: FLOAT, bias: FLOAT, residual: FLOAT };

const linearOp = defineOp<Inputs>({
  name: "linear",
  takes,
  shape: ([x, weight, bias]) => linearShape("linear", x, weight, bias),
  forward({ inputs: [x, weight, bias, residual], output: y }) {
    gemm({ a: x, b: weight, y, ...sizesOf(x, weight), transposeB: true, bias, ...plus(residual) });
  },
  backward({ inputs: [x, weight, , residual], wants, into }, dy) {
    const { m, n, k } = sizesOf(x, weight);
    const dx = wants(0) ? into(0) : null;
    if (dx) gemm({ a: dy, b: weight, y: dx, m, n: k, k: n });
    const [dw, db] = wants(1) || wants(2) ? weightGradients(dy, x, { m, n, k }, into) : [null, null];
    return residual ? [dx, dw, db, dy] : [dx, dw, db];
  },
});

/** dW = dyᵀ x and db = the column sums of dy, in one dispatch. */
function weightGradients(
  dy: Tensor,
  x: Tensor,
  { m, n, k }: { m: number; n: number; k: number },
  into: (i: number) => Tensor,
  first = 1,
): [Tensor, Tensor] {
  const [dw, db] = [into(first), into(first + 1)];
  gemm({ a: dy, b: x, y: dw, m: n, n: k, k: m, transposeA: true, rowSums: db });
  return [dw, db];
}

/**
 * x Wᵀ + b, all f32. x [..., in], weight [out, in], bias [out] -> [..., out]. torch.nn.functional.linear.
 * With `residual` [..., out] the result is residual + (x Wᵀ + b), in the same dispatch.
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor, residual?: Tensor): Tensor {
  if (!bias) {
    checkDTypes("linear", takes, [x, weight]);
    const y = matmul(x, weight, { transposeB: true });
    return residual ? add(residual, y) : y;
  }
  if (!residual) return linearOp([x, weight, bias]);
  const shape = linearShape("linear", x.shape, weight.shape, bias.shape);
  if (`${residual.shape}` !== `${shape}`) {
    throw new Error(`linear: the residual must have the result's shape [${shape}]; got [${residual.shape}]`);
  }
  return shape.at(-1)! % 4 === 0
    ? linearOp([x, weight, bias, residual])
    : add(residual, linearOp([x, weight, bias]));
}

type MlpInputs =
  | [x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor]
  | [x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, residual: Tensor];

const mlpOp = defineOp<MlpInputs, Gelu, Tensor>({
  name: "mlp",
  takes: {
    x: FLOAT,
    "fc1.weight": FLOAT,
    "fc1.bias": FLOAT,
    "fc2.weight": FLOAT,
    "fc2.bias": FLOAT,
    residual: FLOAT,
  },
  shape([x, w1, b1, w2, b2, residual]) {
    const hidden = linearShape("mlp", x, w1, b1);
    const shape = linearShape("mlp", hidden, w2, b2);
    if (hidden.at(-1)! % 4 !== 0 || shape.at(-1)! % 4 !== 0) {
      throw new Error(`mlp: the widths must be multiples of 4; got ${hidden.at(-1)} and ${shape.at(-1)}`);
    }
    if (residual && `${residual}` !== `${shape}`) {
      throw new Error(`mlp: the residual must have the result's shape [${shape}]; got [${residual}]`);
    }
    return shape;
  },
  forward({ device, inputs: [x, w1, b1, w2, b2, residual], params: form, output: y }) {
    const sizes = sizesOf(x, w1);
    const before = Tensor.empty(device, [sizes.m, sizes.n]);
    const activated = Tensor.empty(device, [sizes.m, sizes.n]);
    const gelu = { kind: "gelu", before, form } as const;
    gemm({ a: x, b: w1, y: activated, ...sizes, transposeB: true, bias: b1, epilogue: gelu });
    gemm({
      a: activated,
      b: w2,
      y,
      m: sizes.m,
      n: w2.shape[0]!,
      k: sizes.n,
      transposeB: true,
      bias: b2,
      ...plus(residual),
    });
    return before;
  },
  backward({ device, inputs: [x, w1, , w2, , residual], params: form, saved: before, wants, into }, dy) {
    const { m, n: hidden, k: width } = sizesOf(x, w1);
    const out = w2.shape[0]!;
    const activated = Tensor.empty(device, [m, hidden]);
    const dBefore = Tensor.empty(device, [m, hidden]);
    const epilogue = { kind: "geluSlope", before, activated, form } as const;
    gemm({ a: dy, b: w2, y: dBefore, m, n: hidden, k: out, epilogue });
    const [dw2, db2] = weightGradients(dy, activated, { m, n: out, k: hidden }, into, 3);
    const dx = wants(0) ? into(0) : null;
    if (dx) gemm({ a: dBefore, b: w1, y: dx, m, n: width, k: hidden });
    const [dw1, db1] = weightGradients(dBefore, x, { m, n: hidden, k: width }, into);
    const gradients = [dx, dw1, db1, dw2, db2];
    return residual ? [...gradients, dy] : gradients;
  },
});

/** The two layers of a transformer's MLP. */
export interface MlpWeights {
  /** [hidden, in] and [hidden]. */
  fc1: { weight: Tensor; bias: Tensor };
  /** [out, hidden] and [out]. */
  fc2: { weight: Tensor; bias: Tensor };
}

/**
 * gelu(x W1ᵀ + b1) W2ᵀ + b2, plus `residual` if given. x [..., in] -> [..., out]; widths are multiples of 4. GELU, bias
 * and residual happen where the products are stored; only the values before GELU are kept for backward.
 */
export function mlp(x: Tensor, { fc1, fc2 }: MlpWeights, form: Gelu = "erf", residual?: Tensor): Tensor {
  const inputs = [x, fc1.weight, fc1.bias, fc2.weight, fc2.bias] as const;
  return mlpOp(residual ? [...inputs, residual] : [...inputs], form);
}
