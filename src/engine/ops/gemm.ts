import activationWgsl from "../../shaders/activation.wgsl";
import erfWgsl from "../../shaders/erf.wgsl";
import matmulWgsl from "../../shaders/matmul.wgsl";
import { flatGroups } from "../gpu/device.ts";
import { type Constants, kernel, partsOf } from "../gpu/kernel.ts";
import { words } from "../gpu/words.ts";
import { Tensor } from "../graph/tensor.ts";
import { chooseMethod, gemmGroups } from "./gemmMethods.ts";
import { sumMiddle } from "./sum.ts";

const part = partsOf(matmulWgsl);

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
 * Parts into which k is cut so that a small y with a long k, a weight's gradient, fills a GPU too. The shape alone decides,
 * so every method adds in the same order. The parts are whole and no shorter than a thousand products or two.
 */
function splitsOfK({ m, n, k, batch = 1, transposeA, transposeB, bias, epilogue }: Gemm): number {
  if (batch > 1 || !transposeA || transposeB || bias || epilogue) return 1;
  const tiles = Math.ceil(m / 64) * Math.ceil(n / 64);
  let parts = Math.min(16, Math.floor(k / 2048), Math.floor(256 / tiles));
  while (parts > 1 && k % (4 * parts) !== 0) parts--;
  return Math.max(1, parts);
}

/** Runs one matrix product, perhaps in parts that are added afterwards. */
export function gemm(product: Gemm): void {
  const { y, m, n, k, rowSums } = product;
  const { device } = y;
  const parts = splitsOfK(product);
  if (parts === 1) {
    runGemm(product);
    return;
  }
  const partY = Tensor.empty(device, [parts, m, n]);
  const partSums = rowSums && Tensor.empty(device, [parts, m]);
  runGemm({ ...product, y: partY, rowSums: partSums, k: k / parts, batch: parts });
  sumMiddle(device, partY, 1, parts, m * n, y);
  if (partSums) sumMiddle(device, partSums, 1, parts, m, rowSums);
}

/** The one place that chooses the kernel of a matrix product. */
function runGemm(product: Gemm): void {
  const {
    a,
    b,
    y,
    m,
    n,
    k,
    transposeA = false,
    transposeB = false,
    batch = 1,
    bias,
    epilogue,
    rowSums,
  } = product;
  const { sharedA = false, sharedB = false } = product;
  const method = chooseMethod(y.device, { m, n, k, batch, transposeA, transposeB });
  const { sources, constants, tensors } = finish(epilogue);
  const [depth, layers] = flatGroups(batch); // more matrices than a grid is deep lie beside each other in y
  const chosen = kernel(
    method.entry,
    [
      part("family"),
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
      ROW_SUMS: rowSums !== undefined,
      FOLDED: layers > 1,
    },
  );
  const [x, rows] = flatGroups(gemmGroups(method, { m, n }));
  const sizes = words(m, n, k, sharedA ? 0 : m * k, sharedB ? 0 : k * n, batch, rows);
  const [first = null, second = null] = tensors;
  const bindings = [sizes, a, b, y, bias ?? null, first, rowSums ?? null, second];
  y.device.run(chosen, bindings, [x, rows * layers, depth], {
    flops: 2 * batch * m * n * k,
    shape: [batch, m, n, k],
  });
}
