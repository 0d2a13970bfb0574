import { normalize } from "../../src/engine/ops/normalize.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";

/** Rows over their length by the definition, but never over less than eps. */
function normalize64(x: Array64, eps: number): Array64 {
  const n = x.shape.at(-1)!;
  const squares = new Float64Array(x.data.length / n);
  x.data.forEach((v, i) => {
    squares[Math.floor(i / n)]! += v * v;
  });
  return array64(
    x.shape,
    x.data.map((v, i) => v / Math.max(Math.sqrt(squares[Math.floor(i / n)]!), eps)),
  );
}

checkOp(
  "normalize",
  (x) => normalize(x!),
  (x) => normalize64(x!, 1e-12),
  [
    { shapes: [[3]] },
    { shapes: [[4, 5]] },
    { shapes: [[11, 32]] },
    { shapes: [[2, 2, 65]] },
    { shapes: [[3, 131]] },
    { shapes: [[5, 300]] },
    { shapes: [[1, 1100]] },
    { shapes: [[2, 8200]] },
  ],
);

checkOp(
  "normalize of rows shorter than eps",
  (x) => normalize(x!, 50),
  (x) => normalize64(x!, 50),
  [{ shapes: [[4, 5]] }, { shapes: [[2, 65]] }],
);
