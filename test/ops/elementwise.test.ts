import { array64 } from "../array64.ts";
import { broadcast64 } from "../broadcast64.ts";
import { checkOp, type OpCase } from "../checkOp.ts";
import { elementwiseOps } from "./elementwiseTable.ts";

const sizes: OpCase[] = [
  { shapes: [[1]] },
  { shapes: [[63]] },
  { shapes: [[3, 5, 16]] },
  { shapes: [[257]] },
];

const pairs: OpCase[] = [
  { shapes: [[1], [1]] },
  { shapes: [[6], []] },
  { shapes: [[], [8]] },
  { shapes: [[3, 5], [5]] },
  { shapes: [[3, 8], [8]] },
  {
    shapes: [
      [3, 1],
      [1, 4],
    ],
  },
  {
    shapes: [
      [2, 3, 4],
      [3, 1],
    ],
  },
  {
    shapes: [
      [2, 1, 3, 1],
      [4, 1, 5],
    ],
  },
  {
    shapes: [
      [129, 4],
      [129, 4],
    ],
  },
  { shapes: [[67], [67]] },
];

for (const [name, { op, of, inputs, prepare, absolute = 0, more = [] }] of Object.entries(elementwiseOps)) {
  const prepared = [...(inputs === 1 ? sizes : pairs), ...more].map(
    (c): OpCase => ({ ...c, absolute, ...(prepare && { prepare }) }),
  );
  if (inputs === 1) {
    const reference = ({ shape, data }: { shape: readonly number[]; data: Float64Array }) =>
      array64(
        shape,
        data.map((x) => of(x, 0)),
      );
    checkOp(
      name,
      (x) => op(x!, x!),
      (x) => reference(x!),
      prepared,
    );
  } else {
    checkOp(
      name,
      (a, b) => op(a!, b!),
      (a, b) => broadcast64(of)(a!, b!),
      prepared,
    );
  }
}
