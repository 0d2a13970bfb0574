// Matrix products and the layers made of them.
import { linear, mlp } from "../../src/engine/ops/linear.ts";
import { type MatmulOptions, matmul } from "../../src/engine/ops/matmul.ts";
import { relativeError } from "../measure/errors.ts";
import { geluTanh64, linear64 } from "../reference64/layers64.ts";
import { columnSums64 } from "../reference64/matmul64.ts";
import { bothPasses, f32, type Inputs, type OpCase, type OpSize } from "./opCase.ts";

type Numbers = ArrayLike<number>;

/** A matrix as it is stored. */
interface Stored {
  values: Numbers;
  rows: number;
  columns: number;
  transposed?: boolean;
}

/** matrix · x in float64, the matrix read transposed if it says so. */
function times({ values, rows, columns, transposed = false }: Stored, x: Numbers): Float64Array {
  const y = new Float64Array(transposed ? columns : rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const [to, from] = transposed ? [j, i] : [i, j];
      y[to]! += values[i * columns + j]! * x[from]!;
    }
  }
  return y;
}

/**
 * Error of y = A·B, every value of it, for the cost of reading it: y·r against A·(B·r) with a random vector r
 * (Freivalds 1977).
 */
export function productError(y: Numbers, a: Stored, b: Stored): number {
  const n = b.transposed ? b.rows : b.columns;
  const m = a.transposed ? a.columns : a.rows;
  const probe = Float64Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1)) + 0.1);
  return relativeError(times({ values: y, rows: m, columns: n }, probe), times(a, times(b, probe)));
}

/** One product y [m, n] = A·B, k terms each. */
export function matmulCase(
  inputs: Inputs,
  { m, n, k }: { m: number; n: number; k: number },
  options: MatmulOptions = {},
): OpCase {
  const { transposeA = false, transposeB = false } = options;
  const a = inputs.normal(transposeA ? [k, m] : [m, k]);
  const b = inputs.normal(transposeB ? [n, k] : [k, n]);
  return {
    name: `matmul ${transposeA ? "T" : "N"}${transposeB ? "T" : "N"}`,
    shape: `${m}x${n}x${k}`,
    cost: { flops: 2 * m * n * k, bytes: f32(m * k + k * n + m * n) },
    record: () => void matmul(a.tensor, b.tensor, options),
    async check() {
      const y = await matmul(a.tensor, b.tensor, options).read();
      const stored = ({ tensor, values }: typeof a, transposed: boolean): Stored => {
        const [rows, columns] = tensor.shape as [number, number];
        return { values, rows, columns, transposed };
      };
      return productError(y, stored(a, transposeA), stored(b, transposeB));
    },
  };
}

/** The three products of an MLP's first layer: forward, gradient of its input, gradient of its weight. */
export function mlpProducts(inputs: Inputs, { batch, tokens, width }: OpSize): OpCase[] {
  const rows = batch * tokens;
  return [
    matmulCase(inputs, { m: rows, n: 4 * width, k: width }, { transposeB: true }),
    matmulCase(inputs, { m: rows, n: width, k: 4 * width }),
    matmulCase(inputs, { m: 4 * width, n: width, k: rows }, { transposeA: true }),
  ];
}

/** The qkv projection. */
export function linearCases(inputs: Inputs, { batch, tokens, width }: OpSize): OpCase[] {
  const [m, n, k] = [batch * tokens, 3 * width, width];
  const [x, weight, bias] = [inputs.normal([m, k]), inputs.normal([n, k]), inputs.normal([n])];
  const dy = inputs.normal([m, n]);
  return bothPasses(inputs, {
    name: "linear qkv",
    shape: `${m}x${n}x${k}`,
    inputs: [x.tensor, weight.tensor, bias.tensor],
    seed: dy.tensor,
    call: () => linear(x.tensor, weight.tensor, bias.tensor),
    cost: {
      forward: { flops: 2 * m * n * k, bytes: f32(m * k + n * k + n + m * n) },
      backward: { flops: 4 * m * n * k, bytes: f32(m * n + 2 * (m * k + n * k) + n) },
    },
    error(y, [dx, dw, db]) {
      const product = y.map((value, i) => value - bias.values[i % n]!);
      const stored = (values: Numbers, rows: number, columns: number, transposed = false): Stored => ({
        values,
        rows,
        columns,
        transposed,
      });
      return {
        forward: productError(product, stored(x.values, m, k), stored(weight.values, n, k, true)),
        backward: Math.max(
          productError(dx!, stored(dy.values, m, n), stored(weight.values, n, k)),
          productError(dw!, stored(dy.values, m, n, true), stored(x.values, m, k)),
          relativeError(db!, columnSums64(dy.values, m, n)),
        ),
      };
    },
  });
}

/** Rows of an MLP that are checked, whose gradients alone are not zero meanwhile, so that float64 has little to do. */
const CHECKED_ROWS = 8;

/** So many rows spread over all of them, the first and the last included: in tiles of any size, whole and cut off. */
export function checkedRows(rows: number): number[] {
  const count = Math.min(CHECKED_ROWS, rows);
  return Array.from({ length: count }, (_, i) => Math.round((i * (rows - 1)) / Math.max(1, count - 1)));
}

/** Both layers with GELU between them and the residual. */
export function mlpCases(inputs: Inputs, { batch, tokens, width }: OpSize): OpCase[] {
  const [rows, hidden] = [batch * tokens, 4 * width];
  const x = inputs.normal([rows, width]);
  const fc1 = { weight: inputs.normal([hidden, width], width ** -0.5), bias: inputs.normal([hidden]) };
  const fc2 = { weight: inputs.normal([width, hidden], hidden ** -0.5), bias: inputs.normal([width]) };
  const residual = inputs.normal([rows, width]);
  const dy = inputs.normal([rows, width]);
  const checked = checkedRows(rows);
  const sparse = dy.values.map((value, i) => (checked.includes(Math.floor(i / width)) ? value : 0));
  dy.tensor.write(sparse);
  const weights = {
    fc1: { weight: fc1.weight.tensor, bias: fc1.bias.tensor },
    fc2: { weight: fc2.weight.tensor, bias: fc2.bias.tensor },
  };
  const parameters = 2 * hidden * width + hidden + width;
  const flops = 4 * rows * width * hidden;
  return bothPasses(inputs, {
    name: "mlp + residual",
    shape: `${rows}x${width}x${hidden}`,
    inputs: [x.tensor, weights.fc1.weight, weights.fc1.bias, weights.fc2.weight, weights.fc2.bias],
    seed: dy.tensor,
    call: () => mlp(x.tensor, weights, "tanh", residual.tensor),
    cost: {
      forward: { flops, bytes: f32(3 * rows * width + parameters + rows * hidden) },
      backward: { flops: 2 * flops, bytes: f32(3 * rows * width + 2 * parameters + rows * hidden) },
    },
    error(y, [dx, dw1, db1, dw2, db2]) {
      const m = checked.length;
      const some = (values: Numbers) =>
        Float64Array.from(
          { length: m * width },
          (_, i) => values[checked[Math.floor(i / width)]! * width + (i % width)]!,
        );
      const first = linear64(some(x.values), fc1.weight.values, fc1.bias.values, { m, n: hidden, k: width });
      const gelu = geluTanh64(first.y);
      const second = linear64(gelu.y, fc2.weight.values, fc2.bias.values, { m, n: width, k: hidden });
      const back2 = second.backward(some(sparse));
      const back1 = first.backward(gelu.backward(back2.x));
      const before = some(residual.values);
      const expected = second.y.map((value, i) => value + before[i]!);
      dy.tensor.write(dy.values); // from here on it is timed
      return {
        forward: relativeError(some(y), expected),
        backward: Math.max(
          relativeError(some(dx!), back1.x),
          relativeError(dw1!, back1.weight),
          relativeError(db1!, back1.bias),
          relativeError(dw2!, back2.weight),
          relativeError(db2!, back2.bias),
        ),
      };
    },
  });
}
