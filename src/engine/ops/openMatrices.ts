import type { Command } from "../gpu/command.ts";
import type { Device } from "../gpu/device.ts";
import type { Kernel } from "../gpu/kernel.ts";
import type { GemmMethod } from "../gpu/tuning.ts";
import { Tensor } from "../graph/tensor.ts";
import { type Gemm, gemm } from "./gemm.ts";
import { matrixMethods, matrixShapes } from "./gemmMatrix.ts";

/**
 * Lets a device of precision f16 multiply by the adapter's subgroup matrices, if it has any. Each of their tiles is tested
 * first, since drivers compile some wrongly: one that a driver refuses, or that gives a wrong value, is never used, and
 * `capabilities.refused` has its name. Where none is right, products stay those of any adapter. What is tested is the plain
 * product with row sums, in every layout, of whole numbers: not the texts that a bias or an epilogue makes, nor rounding.
 */
export async function openMatrices(device: Device): Promise<void> {
  const { precision, capabilities, info, limits, gpu } = device;
  const { f16, subgroupSize } = capabilities;
  const [shape] = gpu.features.has("chromium-experimental-subgroup-matrix") ? matrixShapes(info) : [];
  if (precision !== "f16" || !f16 || subgroupSize === 0 || !shape) return;
  const matrices: GemmMethod[] = [];
  const refused: string[] = [];
  for (const method of matrixMethods(shape, subgroupSize, limits)) {
    if (await isRight(device, method)) matrices.push(method);
    else refused.push(method.name);
  }
  device.capabilities = { ...capabilities, matrices, refused };
}

const LAYOUTS = [
  { transposeA: false, transposeB: true },
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
  { transposeA: true, transposeB: true },
];

/** A small whole number for each place of a matrix: products and their sums are exact in f16 and f32. */
const known = (i: number): number => ((i * 7 + (i >> 3) * 5) % 13) - 6;

/** Whether a method multiplies right in every layout, by more than one tile each way and with edges. */
export async function isRight(device: Device, method: GemmMethod): Promise<boolean> {
  const [m, n, k] = [method.tile.rows + 12, method.tile.columns + 20, 56];
  const [a, b] = [m * k, k * n].map((size) =>
    Tensor.from(
      device,
      Array.from({ length: size }, (_, i) => known(i)),
      [size],
    ),
  );
  const [y, rowSums] = [Tensor.empty(device, [m, n]), Tensor.empty(device, [m])];
  try {
    for (const layout of LAYOUTS) {
      const product = { a: a!, b: b!, y, rowSums, m, n, k, ...layout };
      if (!(await compiles(device, product, method))) return false;
      gemm(product, method);
      const found = [...(await y.read()), ...(await rowSums.read())];
      const { products, sums } = expected({ m, n, k, ...layout });
      if (![...products, ...sums].every((value, i) => value === found[i])) return false;
    }
    return true;
  } finally {
    for (const tensor of [a!, b!, y, rowSums]) tensor.dispose();
  }
}

/** The product of known numbers, row by row, and the sums of A's rows. */
function expected({ m, n, k, transposeA, transposeB }: Omit<Gemm, "a" | "b" | "y">) {
  const valueA = (row: number, i: number): number => known(transposeA ? i * m + row : row * k + i);
  const valueB = (i: number, column: number): number => known(transposeB ? column * k + i : i * n + column);
  const products = new Float64Array(m * n);
  const sums = new Float64Array(m);
  for (let row = 0; row < m; row++) {
    for (let i = 0; i < k; i++) {
      const value = valueA(row, i);
      sums[row]! += value;
      for (let column = 0; column < n; column++) products[row * n + column]! += value * valueB(i, column);
    }
  }
  return { products, sums };
}

/** Whether the driver takes the kernel of a product; what it says against it is no error of the device. */
async function compiles(device: Device, product: Gemm, method: GemmMethod): Promise<boolean> {
  const { gpu } = device;
  const { entry, source } = kernelOf(device, product, method);
  for (const filter of ["internal", "validation"] as const) gpu.pushErrorScope(filter);
  const module = gpu.createShaderModule({ label: entry, code: source });
  const made = gpu.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: entry } });
  const errors = [gpu.popErrorScope(), gpu.popErrorScope()];
  const isMade = await made.then(
    () => true,
    () => false, // the refusal is the answer
  );
  return (await Promise.all(errors)).every((error) => error === null) && isMade;
}

/** The kernel that a product would run. */
function kernelOf(device: Device, product: Gemm, method: GemmMethod): Kernel {
  const commands: Command[] = [];
  const recorder = {
    record: (command: Command) => void commands.push(command),
    allocate: (bytes: number) => device.allocate(bytes),
  };
  device.recordTo(recorder, () => gemm(product, method));
  const [first] = commands;
  if (first?.kind !== "dispatch") throw new Error("openMatrices: a product must be a dispatch");
  return first.kernel;
}
