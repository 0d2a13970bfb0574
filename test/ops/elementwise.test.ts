import * as ops from "../../src/engine/ops/elementwise.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp, type OpCase } from "../checkOp.ts";
import { erf64 } from "../erf64.ts";

const map = (f: (x: number) => number) => (x: Array64) => array64(x.shape, x.data.map(f));
const awayFromZero = (v: number) => (Math.abs(v) < 0.01 ? 0.5 : v);
const positive = (v: number) => Math.abs(v) + 0.1;
const sizes: OpCase[] = [
  { shapes: [[1]] },
  { shapes: [[63]] },
  { shapes: [[3, 5, 16]] },
  { shapes: [[257]] },
];
const having = (prepare: (v: number) => number) => sizes.map((c) => ({ ...c, prepare }));

checkOp(
  "neg",
  ops.neg,
  map((x) => -x),
  sizes,
);
checkOp("exp", ops.exp, map(Math.exp), sizes);
checkOp("log", ops.log, map(Math.log), having(positive));
checkOp("sqrt", ops.sqrt, map(Math.sqrt), having(positive));
checkOp(
  "rsqrt",
  ops.rsqrt,
  map((x) => 1 / Math.sqrt(x)),
  having(positive),
);
checkOp(
  "square",
  ops.square,
  map((x) => x * x),
  sizes,
);
checkOp(
  "reciprocal",
  ops.reciprocal,
  map((x) => 1 / x),
  having(positive),
);
checkOp("abs", ops.abs, map(Math.abs), having(awayFromZero));
checkOp("tanh", ops.tanh, map(Math.tanh), [...sizes, { shapes: [[64]], low: -100, high: 100 }]);
checkOp(
  "sigmoid",
  ops.sigmoid,
  map((x) => 1 / (1 + Math.exp(-x))),
  [...sizes, { shapes: [[64]], low: -50, high: 50 }],
);
checkOp(
  "relu",
  ops.relu,
  map((x) => Math.max(x, 0)),
  having(awayFromZero),
);
checkOp("erf", ops.erf, map(erf64), [...sizes, { shapes: [[64]], low: -6, high: 6 }]);
const gelu64 = (x: number) => (x / 2) * (1 + erf64(x / Math.SQRT2));
checkOp("gelu", ops.gelu, map(gelu64), [...sizes, { shapes: [[64]], low: -8, high: 8 }]);
const geluTanh64 = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
checkOp("geluTanh", ops.geluTanh, map(geluTanh64), [...sizes, { shapes: [[64]], low: -8, high: 8 }]);
checkOp(
  "scale",
  (x) => ops.scale(x, -2.5),
  map((x) => -2.5 * x),
  sizes,
);

/** A broadcasting float64 binary op by plain index arithmetic. */
export function broadcast64(f: (a: number, b: number) => number) {
  return (a: Array64, b: Array64): Array64 => {
    const rank = Math.max(a.shape.length, b.shape.length);
    const padded = [a, b].map(({ shape }) => [...Array(rank - shape.length).fill(1), ...shape] as number[]);
    const shape = padded[0]!.map((n, i) => Math.max(n, padded[1]![i]!));
    const y = array64(shape);
    for (let i = 0; i < y.data.length; i++) {
      const at = [0, 0];
      let rest = i;
      const stride = [1, 1];
      for (let k = rank - 1; k >= 0; k--) {
        const position = rest % shape[k]!;
        rest = Math.floor(rest / shape[k]!);
        padded.forEach((p, s) => {
          if (p[k]! > 1) at[s]! += position * stride[s]!;
          stride[s]! *= p[k]!;
        });
      }
      y.data[i] = f(a.data[at[0]!]!, b.data[at[1]!]!);
    }
    return y;
  };
}

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
checkOp(
  "add",
  ops.add,
  broadcast64((a, b) => a + b),
  pairs,
);
checkOp(
  "sub",
  ops.sub,
  broadcast64((a, b) => a - b),
  pairs,
);
checkOp(
  "mul",
  ops.mul,
  broadcast64((a, b) => a * b),
  pairs,
);
const denominator = (v: number, input: number) => (input === 1 ? Math.abs(v) + 0.3 : v);
checkOp(
  "div",
  ops.div,
  broadcast64((a, b) => a / b),
  pairs.map((c) => ({ ...c, prepare: denominator })),
);
checkOp("maximum", ops.maximum, broadcast64(Math.max), pairs);
