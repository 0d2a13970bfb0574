import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { conv2d } from "../../src/engine/ops/conv2d.ts";
import { unfold } from "../../src/engine/ops/unfold.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** The window of k x k around every pixel, by its definition. */
function unfold64(k: number) {
  return (x: Array64): Array64 => {
    const [b, h, w, c] = x.shape as [number, number, number, number];
    const y = array64([b, h, w, k * k * c]);
    const border = (k - 1) / 2;
    for (let i = 0; i < y.data.length; i++) {
      const [channel, column, row] = [i % c, Math.floor(i / c) % k, Math.floor(i / c / k) % k];
      const pixel = Math.floor(i / c / k / k);
      const across = (pixel % w) + column - border;
      const down = (Math.floor(pixel / w) % h) + row - border;
      const isInside = across >= 0 && across < w && down >= 0 && down < h;
      const from = ((Math.floor(pixel / w / h) * h + down) * w + across) * c + channel;
      y.data[i] = isInside ? x.data[from]! : 0;
    }
    return y;
  };
}

/** x [B, H, W, in] and weight [out, k, k, in], with and without a bias: every product of the definition. */
function conv2d64(x: Array64, weight: Array64, bias?: Array64): Array64 {
  const [out, k] = weight.shape as [number, number];
  const windows = unfold64(k)(x);
  const length = windows.shape[3]!;
  const y = array64([...x.shape.slice(0, 3), out]);
  for (let i = 0; i < y.data.length; i++) {
    const [pixel, o] = [Math.floor(i / out), i % out];
    let total = bias ? bias.data[o]! : 0;
    for (let p = 0; p < length; p++)
      total += windows.data[pixel * length + p]! * weight.data[o * length + p]!;
    y.data[i] = total;
  }
  return y;
}

const windows: [number[], number][] = [
  [[1, 1, 1, 1], 1],
  [[1, 1, 1, 2], 5],
  [[2, 3, 4, 3], 3],
  [[1, 4, 2, 4], 3],
  [[2, 5, 3, 1], 7],
];
for (const [shape, k] of windows)
  checkOp(`unfold ${k}`, (x) => unfold(x!, k), unfold64(k), [{ shapes: [shape] }]);

checkOp("conv2d", (x, weight, bias) => conv2d(x!, weight!, bias!), conv2d64, [
  { shapes: [[1, 1, 1, 1], [1, 1, 1, 1], [1]] },
  { shapes: [[2, 3, 2, 3], [4, 1, 1, 3], [4]] },
  { shapes: [[2, 4, 3, 2], [3, 3, 3, 2], [3]] },
  { shapes: [[1, 5, 6, 4], [8, 3, 3, 4], [8]] },
  { shapes: [[1, 4, 4, 3], [4, 7, 7, 3], [4]] },
]);
checkOp("conv2d without bias", (x, weight) => conv2d(x!, weight!), conv2d64, [
  {
    shapes: [
      [2, 3, 3, 2],
      [2, 3, 3, 2],
    ],
  },
]);

const on = withDevice();

test("what does not fit is refused in one sentence", () => {
  const zeros = (...shape: number[]) => Tensor.zeros(on.device, shape);
  expect(() => unfold(zeros(1, 4, 4, 1), 2)).toThrow("unfold: needs x [B, H, W, C] and an odd side");
  expect(() => unfold(zeros(4, 4, 1), 3)).toThrow("got x [4,4,1], 3");
  const refused = "conv2d: needs x [B, H, W, in], weight [out, k, k, in] with odd k and bias [out]; got";
  const x = zeros(1, 4, 4, 3);
  expect(() => conv2d(x, zeros(2, 3, 3, 2))).toThrow(`${refused} [1,4,4,3], [2,3,3,2]`);
  expect(() => conv2d(x, zeros(2, 3, 1, 3))).toThrow(refused);
  expect(() => conv2d(x, zeros(2, 2, 2, 3))).toThrow(refused);
  expect(() => conv2d(x, zeros(2, 3, 3, 3), zeros(3))).toThrow(refused);
});
