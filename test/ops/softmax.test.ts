import { logSoftmax, softmax } from "../../src/engine/ops/softmax.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";

/** log softmax of every row by its definition, shifted as anyone would in finite precision. */
function logSoftmax64(x: Array64): Array64 {
  const n = x.shape.at(-1)!;
  const y = array64(x.shape);
  for (let row = 0; row < x.data.length; row += n) {
    const values = x.data.subarray(row, row + n);
    const most = values.reduce((a, b) => Math.max(a, b));
    const logSum = most + Math.log(values.reduce((sum, v) => sum + Math.exp(v - most), 0));
    values.forEach((v, k) => {
      y.data[row + k] = v - logSum;
    });
  }
  return y;
}

const cases = [
  { shapes: [[1]] },
  { shapes: [[7, 1]] },
  { shapes: [[3, 5]] },
  { shapes: [[9, 32]] },
  { shapes: [[11, 33]] },
  { shapes: [[3, 64]] },
  { shapes: [[2, 2, 130]] },
  { shapes: [[2, 257]] },
  { shapes: [[5, 1024]] },
  { shapes: [[2, 1031]] },
  { shapes: [[2, 8200]] },
  { shapes: [[2, 4]], low: 80, high: 100, label: "large " },
  { shapes: [[2, 70]], low: 80, high: 100, label: "large " },
];

checkOp(
  "logSoftmax",
  (x) => logSoftmax(x!),
  (x) => logSoftmax64(x!),
  cases,
);

checkOp(
  "softmax",
  (x) => softmax(x!),
  (x) => array64(x!.shape, logSoftmax64(x!).data.map(Math.exp)),
  cases,
);
