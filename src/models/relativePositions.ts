// BEiT's shared relative position bias (Bao et al. 2021, arXiv:2106.08254; modeling_finetune.py, RelativePositionBias): a number
// for each head and each way two patches can lie to each other, added to the scores of every block's attention.

import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import { permute } from "../engine/ops/permute.ts";
import { constant } from "./init.ts";

const TABLE = "rel_pos_bias.relative_position_bias_table";

/** Ways two patches of a grid lie to each other, and three for the class token: to a patch, from one, to itself. */
const rowsOf = (grid: number): number => (2 * grid - 1) ** 2 + 3;

/** The table, [(2 grid - 1)² + 3, heads], zeros at first. */
export const relativeBiasSpec = (grid: number, heads: number): ParameterSpec => ({
  name: TABLE,
  shape: [rowsOf(grid), heads],
  values: constant(rowsOf(grid) * heads, 0),
});

/**
 * Which row of the table each query and key read: (Δrow + grid - 1)(2 grid - 1) + Δcolumn + grid - 1 with Δ = query - key;
 * the last three rows are the class token's. -> [(1 + grid²)²], queries first.
 */
export function relativeIndex(grid: number): Uint32Array {
  const tokens = 1 + grid * grid;
  const [fromClass, toClass, both] = [rowsOf(grid) - 3, rowsOf(grid) - 2, rowsOf(grid) - 1];
  const rowOf = (query: number, key: number): number => {
    if (query === 0) return key === 0 ? both : fromClass;
    if (key === 0) return toClass;
    const place = (token: number) => [Math.floor((token - 1) / grid), (token - 1) % grid] as const;
    const [[r, c], [s, d]] = [place(query), place(key)];
    return (r - s + grid - 1) * (2 * grid - 1) + (c - d + grid - 1);
  };
  return Uint32Array.from({ length: tokens * tokens }, (_, i) => rowOf(Math.floor(i / tokens), i % tokens));
}

/** What attention adds to the scores of a whole grid and its class token, [heads, 1 + grid², 1 + grid²]. */
export function relativeBias(params: Parameters, grid: number): Tensor {
  const table = params.get(TABLE);
  const tokens = 1 + grid * grid;
  const index = Tensor.from(table.device, relativeIndex(grid), [tokens, tokens], "u32");
  return permute(indexSelect(table, index), [2, 0, 1]);
}
