import activationWgsl from "../../shaders/activation.wgsl";
import erfWgsl from "../../shaders/erf.wgsl";
import gridWgsl from "../../shaders/grid.wgsl";
import matmulWgsl from "../../shaders/matmul.wgsl";
import partsWgsl from "../../shaders/matmulParts.wgsl";
import { flatGroups } from "../gpu/device.ts";
import { type Constants, kernel, partsOf } from "../gpu/kernel.ts";
import type { GemmMethod } from "../gpu/tuning.ts";
import { words } from "../gpu/words.ts";
import { Tensor } from "../graph/tensor.ts";
import { chooseMethod } from "./gemmChoice.ts";
import { gemmGroups } from "./gemmMethods.ts";
import { partsOfK } from "./gemmParts.ts";

const part = partsOf(matmulWgsl);
const adding = partsOf(partsWgsl);
const WORKGROUP = 64;

/** GELU by the error function or its tanh form. */
export type Gelu = "erf" | "tanh";

/**
 * What happens to P = A·B + bias before it is stored; n must be a multiple of 4.
 *   residual:  y = residual + P
 *   gelu:      before = P; y = gelu(P)
 *   geluSlope: y = P · gelu'(before); activated = gelu(before)
 */
export type Epilogue =
  | { kind: "residual"; residual: Tensor }
  | { kind: "gelu"; before: Tensor; form: Gelu }
  | { kind: "geluSlope"; before: Tensor; activated: Tensor; form: Gelu };

/** One matrix product, as the kernels see it. */
export interface Gemm {
  a: Tensor;
  b: Tensor;
  y: Tensor;
  m: number;
  n: number;
  k: number;
  /** A is stored [k, m]. */
  transposeA?: boolean;
  /** B is stored [n, k]. */
  transposeB?: boolean;
  /** Products in the batch; y always has one matrix for each. */
  batch?: number;
  /** One matrix serves the whole batch. */
  sharedA?: boolean;
  sharedB?: boolean;
  /** [n], added to every row. */
  bias?: Tensor;
  epilogue?: Epilogue;
  /** [batch, m]: receives the sums of A's rows. */
  rowSums?: Tensor;
}

/** The epilogue's texts, constants, and tensors (bindings 5 and 7). */
function finish(epilogue: Epilogue | undefined): {
  sources: string[];
  constants: Constants;
  tensors: Tensor[];
} {
  const withGelu = ["alias V = vec4f;", erfWgsl, activationWgsl];
  switch (epilogue?.kind) {
    case undefined:
      return { sources: [part("as it is")], constants: {}, tensors: [] };
    case "residual":
      return { sources: [part("residual")], constants: {}, tensors: [epilogue.residual] };
    case "gelu":
      return {
        sources: [...withGelu, part("gelu")],
        constants: { TANH: epilogue.form === "tanh" },
        tensors: [epilogue.before],
      };
    case "geluSlope":
      return {
        sources: [...withGelu, part("gelu slope")],
        constants: { TANH: epilogue.form === "tanh" },
        tensors: [epilogue.before, epilogue.activated],
      };
  }
}

/**
 * Runs one matrix product: where k is cut, by a method that adds the parts itself, or part by part. The device chooses the
 * method unless one is given.
 */
export function gemm(product: Gemm, given?: GemmMethod): void {
  const { y, m, n, k, transposeA = false, transposeB = false, batch = 1, rowSums } = product;
  const { device } = y;
  const shape = { m, n, k, batch, transposeA, transposeB };
  const whole = batch > 1 || product.bias !== undefined || product.epilogue !== undefined;
  const { count, span } = whole ? { count: 1, span: k } : partsOfK(shape);
  const method = given ?? chooseMethod(device, shape, count);
  if (count === 1 || method.addsParts) {
    runGemm(product, method, {
      batch,
      strideA: product.sharedA ? 0 : m * k,
      strideB: product.sharedB ? 0 : k * n,
      span,
      last: span,
    });
    return;
  }
  const products = Tensor.empty(device, [count, m, n]);
  const sums = rowSums && Tensor.empty(device, [count, m]);
  runGemm({ ...product, y: products, rowSums: sums }, method, {
    batch: count,
    strideA: span * (transposeA ? m : 1),
    strideB: span * (transposeB ? 1 : n),
    span,
    last: k - (count - 1) * span,
  });
  addParts({ products, sums }, product);
}

/** The parts of a product [count, m, n] and of its row sums [count, m]. */
interface Parts {
  products: Tensor;
  sums: Tensor | undefined;
}

/** Adds the parts of a product, and those of its row sums in the same dispatch. */
function addParts({ products, sums }: Parts, { y, m, n, rowSums }: Gemm): void {
  const [type, size] = (m * n) % 4 === 0 ? ["vec4f", (m * n) / 4] : ["f32", m * n];
  const chosen = kernel(
    "matmul_parts",
    [`alias V = ${type};`, gridWgsl, adding(sums ? "row sums" : "no row sums"), adding("sum")],
    { WORKGROUP },
  );
  const bindings = [words(products.shape[0]!, size, m), products, y, sums ?? null, rowSums ?? null];
  y.device.run(chosen, bindings, Math.ceil((size + (sums ? m : 0)) / WORKGROUP));
}

/** What a grid is deep in: matrices, or parts of k. */
interface Slices {
  batch: number;
  /** Values from one to the next. */
  strideA: number;
  strideB: number;
  /** Values of k in a part, and in the last slice where each slice is a part. */
  span: number;
  last: number;
}

/** The one place that runs the kernel of a matrix product. */
function runGemm(product: Gemm, method: GemmMethod, { batch, strideA, strideB, span, last }: Slices): void {
  const { a, b, y, m, n, k, transposeA = false, transposeB = false, bias, epilogue, rowSums } = product;
  const { sources, constants, tensors } = finish(epilogue);
  const inF16 = y.device.precision === "f16";
  const [depth, layers] = flatGroups(batch); // more matrices than a grid is deep lie beside each other in y
  const chosen = kernel(
    method.entry,
    [
      part("family"),
      part(inF16 && !method.roundsOperands ? "operands in f16" : "operands as they are"),
      part((transposeA ? m : k) % 4 === 0 ? "a by vectors" : "a by values"),
      part((transposeB ? k : n) % 4 === 0 ? "b by vectors" : "b by values"),
      part(rowSums ? "row sums" : "no row sums"),
      part(bias ? "bias" : "no bias"),
      part(n % 4 === 0 ? "store by vectors" : "store by values"),
      ...sources,
      ...method.sources,
    ],
    {
      ...method.constants,
      ...constants,
      TRANSPOSE_A: transposeA,
      TRANSPOSE_B: transposeB,
      RAGGED_K: k % 4 !== 0,
      PARTED: method.addsParts && span < k,
      ROW_SUMS: rowSums !== undefined,
      FOLDED: layers > 1,
    },
  );
  const [x, rows] = flatGroups(gemmGroups(method, { m, n }));
  const sizes = words(m, n, k, strideA, strideB, batch, rows, span, last);
  const [first = null, second = null] = tensors;
  const bindings = [sizes, a, b, y, bias ?? null, first, rowSums ?? null, second];
  y.device.run(chosen, bindings, [x, rows * layers, depth], {
    flops: 2 * (product.batch ?? 1) * m * n * k,
    shape: [product.batch ?? 1, m, n, k],
    ...((inF16 || method.roundsOperands) && { roundsOperands: true }),
  });
}
