// Products by subgroup matrices (tensor cores): which an adapter has, and the tiles that they make.
import matrixWgsl from "../../shaders/matmulMatrix.wgsl";
import type { GemmMethod, Tile } from "../gpu/tuning.ts";

/** Operands [m, k] and [k, n] in f16, sums [m, n] in f32: what a subgroup multiplies at once. */
export interface MatrixShape {
  m: number;
  n: number;
  k: number;
}

/** An entry of `GPUAdapterInfo.subgroupMatrixConfigs`, of which the standard's types do not know yet. */
interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** The shapes that an adapter lists, of which the largest come first: 16 x 16 x 16 was the fastest on an H100. */
export function matrixShapes(info: GPUAdapterInfo): MatrixShape[] {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  return [...subgroupMatrixConfigs]
    .filter(
      ({ componentType, resultComponentType }) => `${componentType} ${resultComponentType}` === "f16 f32",
    )
    .map(({ M, N, K }) => ({ m: Number(M), n: Number(N), k: Number(K) }))
    .sort((p, q) => q.m * q.n * q.k - p.m * p.n * p.k);
}

/** Large ones first, as methods are chosen. */
const TILES: readonly Tile[] = [
  { rows: 128, columns: 128 },
  { rows: 128, columns: 64 },
  { rows: 64, columns: 64 },
];
/** Values of k in a tile. */
const DEPTH = 32;
/** f16 values between two lines of a tile in workgroup memory, and f32 values between two of results. */
const PADDING = { operand: 8, result: 4 };

/** The methods of an adapter whose subgroups have so many lanes. */
export function matrixMethods(
  shape: MatrixShape,
  lanes: number,
  limits: Pick<GPUSupportedLimits, "maxComputeWorkgroupStorageSize" | "maxComputeInvocationsPerWorkgroup">,
): GemmMethod[] {
  return TILES.flatMap((tile) => byMatrices(shape, lanes, tile) ?? []).filter(
    ({ workgroupBytes = 0 }) =>
      workgroupBytes <= limits.maxComputeWorkgroupStorageSize &&
      4 * lanes <= limits.maxComputeInvocationsPerWorkgroup,
  );
}

/** The method of one tile, `depth` values of k at a time; null where matrices and lanes do not divide it. */
export function byMatrices(
  { m, n, k }: MatrixShape,
  lanes: number,
  tile: Tile,
  depth = DEPTH,
): GemmMethod | null {
  const { rows, columns } = tile;
  const fetches = (side: number) => (side * depth) / 4 / (4 * lanes); // vectors of a tile for each lane
  const counts = {
    TALL: rows / 2 / m,
    WIDE: columns / 2 / n,
    DEEP: depth / k,
    FETCHES_A: fetches(rows),
    FETCHES_B: fetches(columns),
  };
  if (!Object.values(counts).every((count) => Number.isInteger(count) && count > 0)) return null;
  const operands = (rows + columns) * (depth + PADDING.operand); // lines along k, which are the most
  const results = 4 * m * (columns / 2 + PADDING.result);
  return {
    name: `matrix${rows}x${columns}`,
    entry: "matmul_matrix",
    sources: [matrixWgsl],
    constants: {
      LANES: lanes,
      ROWS: rows,
      COLUMNS: columns,
      DEPTH: depth,
      MATRIX_M: m,
      MATRIX_N: n,
      MATRIX_K: k,
      ...counts,
    },
    tile,
    tilesPerWorkgroup: 1,
    workgroupBytes: 2 * operands + 4 * results,
    addsParts: false,
    roundsOperands: true,
  };
}
