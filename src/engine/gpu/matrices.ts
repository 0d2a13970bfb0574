// Subgroup matrices (tensor cores): which there are, which tiles of products they make, and whether those are right.

import matmulWgsl from "../../shaders/matmul.wgsl";
import matmulMatrixWgsl from "../../shaders/matmulMatrix.wgsl";
import type { Bound } from "./command.ts";
import { type Constants, type Kernel, kernel, partsOf } from "./kernel.ts";
import type { Storage } from "./memory.ts";
import type { Range } from "./range.ts";
import { words } from "./words.ts";

export const MATRIX_FEATURE = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

/** f16 operands [m, k] and [k, n], f32 sums [m, n]: what a subgroup multiplies at once. */
export interface MatrixShape {
  m: number;
  n: number;
  k: number;
}

/** Values of y that four subgroups compute together from `depth` values of k at a time. */
export interface MatrixTile {
  rows: number;
  columns: number;
  constants: Constants;
  workgroupBytes: number;
}

/** An entry of `GPUAdapterInfo.subgroupMatrixConfigs`, of which the standard's types do not know yet. */
interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** The shapes with f16 operands and f32 sums that an adapter lists, 16 x 16 x 16 first. */
export function matrixShapes(info: GPUAdapterInfo): MatrixShape[] {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  const rank = ({ m, n, k }: MatrixShape): number => (m === 16 && n === 16 && k === 16 ? 0 : 1);
  return [...subgroupMatrixConfigs]
    .filter(
      ({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32",
    )
    .map(({ M, N, K }) => ({ m: Number(M), n: Number(N), k: Number(K) }))
    .sort((p, q) => rank(p) - rank(q));
}

const SIDES = [
  [128, 128],
  [128, 64],
  [64, 64],
] as const;
const DEPTH = 32;
/** Values between the ends of two lines in workgroup memory, of f16 operands and of f32 results. */
const PADDING = { operand: 8, result: 4 };

/** The tiles that these matrices and this much workgroup memory make, large ones first. */
export function matrixTiles(
  { m, n, k }: MatrixShape,
  lanes: number,
  limits: GPUSupportedLimits,
): MatrixTile[] {
  return SIDES.flatMap(([rows, columns]) => {
    const [tall, wide, deep] = [rows / 2 / m, columns / 2 / n, DEPTH / k];
    const [shareA, shareB] = [rows, columns].map((side) => (side * DEPTH) / 4 / (4 * lanes)) as [
      number,
      number,
    ];
    if (![tall, wide, deep, shareA, shareB].every((count) => Number.isInteger(count) && count > 0)) return [];
    const operands = Math.max(rows, columns) + Math.min(rows, columns); // lines along k, the more costly layout
    const workgroupBytes =
      operands * (DEPTH + PADDING.operand) * 2 + 4 * m * (columns / 2 + PADDING.result) * 4;
    const tile: MatrixTile = {
      rows,
      columns,
      workgroupBytes,
      constants: {
        LANES: lanes,
        ROWS: rows,
        COLUMNS: columns,
        MATRIX_M: m,
        MATRIX_N: n,
        MATRIX_K: k,
        TALL: tall,
        WIDE: wide,
        DEEP: deep,
        SHARE_A: shareA,
        SHARE_B: shareB,
      },
    };
    const fits =
      workgroupBytes <= limits.maxComputeWorkgroupStorageSize &&
      4 * lanes <= limits.maxComputeInvocationsPerWorkgroup;
    return fits ? [tile] : [];
  });
}

/** The part of a device that the test needs. */
interface Tested {
  allocate(bytes: number): Storage;
  write(range: Range, bytes: ArrayBufferView<ArrayBuffer>): void;
  run(kernel: Kernel, bindings: readonly Bound[], workgroups: number): void;
  read(range: Range): Promise<ArrayBuffer>;
  release(storage: Storage): void;
}

const part = partsOf(matmulWgsl);

/** Which operand is stored transposed in a training step: in a layer, in the gradients of its input and of its weight. */
export const LAYOUTS: readonly Layout[] = [
  { a: false, b: true },
  { a: false, b: false },
  { a: true, b: false },
];

type Layout = { a: boolean; b: boolean };

/** The plainest product by a tile: sizes a multiple of four, row sums, no bias, no epilogue. */
export const productOf = (tile: MatrixTile, { a, b }: Layout): Kernel =>
  kernel("matmul_matrix", [...PARTS.map(part), matmulMatrixWgsl], {
    ...tile.constants,
    TRANSPOSE_A: a,
    TRANSPOSE_B: b,
    RAGGED_K: false,
    ROW_SUMS: true,
    FOLDED: false,
  });

const PARTS = [
  "family",
  "whole operands",
  "a by vectors",
  "b by vectors",
  "row sums",
  "no bias",
  "store by vectors",
  "as it is",
];

/** A small whole number, known for each place of a matrix; sums of their products are exact in f32. */
const known = (i: number): number => ((i * 7 + (i >> 3) * 5) % 13) - 6;

/** Which of the layouts a tile multiplies wrongly, on matrices with edges: none, as it must be, is an empty list. */
export async function matrixFaults(device: Tested, tile: MatrixTile): Promise<string[]> {
  const [m, n, k] = [tile.rows + 12, tile.columns + 20, DEPTH + 24];
  const faults: string[] = [];
  for (const layout of LAYOUTS) {
    const run = productOf(tile, layout);
    const range = (count: number): Range => ({
      storage: device.allocate(4 * count),
      offset: 0,
      bytes: 4 * count,
    });
    const [a, b, y, sums] = [range(m * k), range(k * n), range(m * n), range(m)];
    for (const operand of [a, b]) {
      device.write(
        operand,
        Float32Array.from({ length: operand.bytes / 4 }, (_, i) => known(i)),
      );
    }
    const groups = Math.ceil(m / tile.rows) * Math.ceil(n / tile.columns);
    device.run(run, [words(m, n, k, 0, 0, 1, groups, k, k), a, b, y, null, null, sums], groups);
    const [products, rowSums] = [
      new Float32Array(await device.read(y)),
      new Float32Array(await device.read(sums)),
    ];
    const valueA = (row: number, i: number): number => known(layout.a ? i * m + row : row * k + i);
    const valueB = (i: number, column: number): number => known(layout.b ? column * k + i : i * n + column);
    const indices = Array.from({ length: k }, (_, i) => i);
    const isRight =
      rowSums.every((value, row) => value === indices.reduce((sum, i) => sum + valueA(row, i), 0)) &&
      products.every((value, at) => {
        const [row, column] = [Math.floor(at / n), at % n];
        return value === indices.reduce((sum, i) => sum + valueA(row, i) * valueB(i, column), 0);
      });
    if (!isRight) faults.push(`${layout.a ? "t" : "n"}${layout.b ? "t" : "n"}`);
    for (const { storage } of [a, b, y, sums]) device.release(storage);
  }
  return faults;
}
