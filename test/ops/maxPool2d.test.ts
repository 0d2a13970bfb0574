import { expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { maxPool2d } from "../../src/engine/ops/maxPool2d.ts";
import { sum } from "../../src/engine/ops/sum.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

function maxPool64(p: number) {
  return (x: Array64): Array64 => {
    const [b, h, w, c] = x.shape as [number, number, number, number];
    const y = array64([b, h / p, w / p, c]);
    y.data.fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < x.data.length; i++) {
      const [channel, across, down] = [i % c, Math.floor(i / c) % w, Math.floor(i / c / w) % h];
      const row = Math.floor(i / c / w / h) * (h / p) + Math.floor(down / p);
      const at = (row * (w / p) + Math.floor(across / p)) * c + channel;
      y.data[at] = Math.max(y.data[at]!, x.data[i]!);
    }
    return y;
  };
}

for (const [shape, p] of [
  [[1, 1, 1, 1], 1],
  [[2, 4, 6, 3], 2],
  [[1, 2, 2, 4], 2],
  [[1, 6, 3, 2], 3],
] as const) {
  checkOp(`maxPool2d ${p}`, (x) => maxPool2d(x!, p), maxPool64(p), [{ shapes: [shape] }]);
}

const on = withDevice();

test("of equal values the gradient goes to the first by rows, as in PyTorch", async () => {
  const x = Tensor.from(on.device, [1, 2, 2, 1], [1, 2, 2, 1]);
  const [dx] = grad(sum(maxPool2d(x, 2)), [x]);
  expect([...(await dx!.read())]).toEqual([0, 1, 0, 0]);
});

test("squares must fill the picture", () => {
  const x = Tensor.zeros(on.device, [1, 4, 6, 1]);
  expect(() => maxPool2d(x, 4)).toThrow(
    "maxPool2d: needs x [B, H, W, C] with H and W multiples of p; got x [1,4,6,1], 4",
  );
});
