import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { meanSquaredError, smoothL1 } from "../../src/engine/ops/loss.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

const meanOf = (a: Array64, b: Array64, loss: (d: number) => number): Array64 =>
  array64([], [a.data.reduce((sum, v, i) => sum + loss(v - b.data[i]!), 0) / a.data.length]);

const cases = [
  { shapes: [[1], [1]] },
  {
    shapes: [
      [3, 5],
      [3, 5],
    ],
  },
  {
    shapes: [
      [2, 67],
      [2, 67],
    ],
  },
];

checkOp(
  "meanSquaredError",
  (a, b) => meanSquaredError(a!, b!),
  (a, b) => meanOf(a!, b!, (d) => d * d),
  cases,
);

for (const beta of [1, 0.25]) {
  const loss = (d: number) => (Math.abs(d) < beta ? (0.5 * d * d) / beta : Math.abs(d) - 0.5 * beta);
  checkOp(
    `smoothL1 with beta ${beta}`,
    (a, b) => smoothL1(a!, b!, beta),
    (a, b) => meanOf(a!, b!, loss),
    cases,
  );
}

const on = withDevice();

test("smoothL1 refuses a beta of 0", () => {
  const a = Tensor.zeros(on.device, [2]);
  expect(() => smoothL1(a, a, 0)).toThrow("beta must be above 0; got 0");
});
