import matrixWgsl from "../../shaders/matmulMatrix.wgsl";
import type { Device } from "../gpu/device.ts";
import type { MatrixTile } from "../gpu/matrices.ts";
import type { GemmShape } from "../gpu/tuning.ts";
import type { GemmMethod } from "./gemmMethods.ts";

/** By subgroup matrices: operands are rounded to f16 on their way in, sums are f32. */
export const byMatrices = ({ rows, columns, constants, workgroupBytes }: MatrixTile): GemmMethod => ({
  name: `matrix${rows}x${columns}`,
  entry: "matmul_matrix",
  sources: [matrixWgsl],
  constants,
  tile: { rows, columns },
  tilesPerWorkgroup: 1,
  workgroupBytes,
  addsParts: false,
  rounds: true,
});

/** Workgroups under which a large tile leaves too much of the GPU idle. */
const ENOUGH_GROUPS = 128;

/**
 * The tile that ships for a shape: the largest one with enough workgroups, otherwise the smallest. None for a product of two
 * transposed operands, which no step has and no self-test covers.
 */
export function shippedMatrix(
  { capabilities }: Device,
  shape: GemmShape,
  parts: number,
): MatrixTile | undefined {
  const { m, n, batch, transposeA, transposeB } = shape;
  if (transposeA && transposeB) return undefined;
  const tiles = capabilities.matrices?.tiles ?? [];
  const groups = ({ rows, columns }: MatrixTile) =>
    Math.ceil(m / rows) * Math.ceil(n / columns) * batch * parts;
  return tiles.find((tile) => groups(tile) >= ENOUGH_GROUPS) ?? tiles.at(-1);
}
