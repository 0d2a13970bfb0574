import { matmul } from "../../src/engine/ops/matmul.ts";
import { checkOp } from "../checkOp.ts";
import { matmul64 } from "../matmul64.ts";

const at = (transposed: boolean, rows: number, columns: number) =>
  transposed ? [columns, rows] : [rows, columns];
const sizes = [
  [1, 1, 1],
  [2, 3, 5],
  [4, 4, 4],
  [5, 8, 12],
  [8, 7, 16],
  [17, 33, 9],
  [64, 20, 68],
] as const;

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const options = { transposeA, transposeB };
    checkOp(`matmul ${JSON.stringify(options)}`, (a, b) => matmul(a!, b!, options), matmul64(options), [
      ...sizes.map(([m, n, k]) => ({ shapes: [at(transposeA, m, k), at(transposeB, k, n)] })),
      {
        shapes: [
          [3, ...at(transposeA, 5, 8)],
          [3, ...at(transposeB, 8, 6)],
        ],
      },
      { shapes: [[2, 3, ...at(transposeA, 4, 8)], at(transposeB, 8, 5)] },
      { shapes: [at(transposeA, 4, 3), [2, ...at(transposeB, 3, 5)]] },
    ]);
  }
}
