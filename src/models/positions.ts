import type { ParameterSpec } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { resize } from "../engine/ops/resize.ts";
import { slice } from "../engine/ops/slice.ts";
import type { Initializer } from "./init.ts";

/**
 * Learned positions, fixed sines and cosines in the order of MAE or of MoCo v3 and CAE, or none on the tokens and a bias of
 * attention that depends on where two patches lie to each other (BEiT, data2vec).
 */
export type PositionKind = "learned" | "sincos-mae" | "sincos-moco" | "relative";

/**
 * Fixed 2-D positions: with ω_i = 10000^(-i / (D/4)), a token in row r and column c has
 * MAE [sin cω, cos cω, sin rω, cos rω], MoCo v3 and CAE [sin rω, cos rω, sin cω, cos cω]; the class token's are 0.
 * -> [1 + grid², D]. Computed in f64, rounded once.
 */
export function sincosPositions(grid: number, width: number, order: "mae" | "moco"): Float32Array {
  if (width % 4 !== 0) throw new Error(`sincosPositions: the width must be a multiple of 4; got ${width}`);
  const quarter = width / 4;
  const values = new Float32Array((1 + grid * grid) * width);
  for (let r = 0; r < grid; r++) {
    for (let c = 0; c < grid; c++) {
      const start = (1 + r * grid + c) * width;
      const [first, second] = order === "mae" ? [c, r] : [r, c];
      for (let i = 0; i < quarter; i++) {
        const omega = 10_000 ** (-i / quarter);
        values[start + i] = Math.sin(first * omega);
        values[start + quarter + i] = Math.cos(first * omega);
        values[start + 2 * quarter + i] = Math.sin(second * omega);
        values[start + 3 * quarter + i] = Math.cos(second * omega);
      }
    }
  }
  return values;
}

/** The `pos_embed` of a network, [1, C + grid², D] with C class tokens; trained only when learned. */
export function positionSpec(
  name: string,
  kind: Exclude<PositionKind, "relative">,
  grid: number,
  width: number,
  init: Initializer,
  classTokens = 1,
): ParameterSpec {
  const shape = [1, classTokens + grid * grid, width];
  return {
    name,
    shape,
    get values() {
      if (kind === "learned") return init.positions(name, shape[1]! * width);
      const values = new Float32Array(shape[1]! * width);
      values.set(
        sincosPositions(grid, width, kind === "sincos-mae" ? "mae" : "moco"),
        (classTokens - 1) * width,
      );
      return values;
    },
    trained: kind === "learned",
  };
}

/**
 * Positions for another grid, by bicubic interpolation of the patch part (torch's, a = -0.75, corners not aligned).
 * positions [1, C + from², D] with C class tokens -> [1, C + rows·columns, D].
 */
export function positionsFor(
  positions: Tensor,
  from: number,
  [rows, columns]: readonly [number, number],
): Tensor {
  if (rows === from && columns === from) return positions;
  const [, tokens, width] = positions.shape as [number, number, number];
  const classTokens = tokens - from * from;
  const patches = reshape(slice(positions, 1, classTokens, tokens), [1, from, from, width]);
  const resized = resize(patches, { height: rows, width: columns, mode: "bicubic" });
  return concat([slice(positions, 1, 0, classTokens), reshape(resized, [1, rows * columns, width])], 1);
}
