import { fill } from "../graph/fill.ts";
import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import type { Shape, Tensor } from "../graph/tensor.ts";
import { rearrange, stridesOf } from "./rearrange.ts";

/** Places added before and after an axis. */
export type Padding = readonly [before: number, after: number];

interface Params {
  paddings: readonly Padding[];
  value: number;
}

/** Moves x into the middle of y, or with `back` the middle of y into x. */
function moveMiddle(x: Tensor, y: Tensor, paddings: readonly Padding[], back: boolean): void {
  const [inX, inY] = [stridesOf(x.shape), stridesOf(y.shape)];
  const start = paddings.reduce((sum, [before], i) => sum + before * inY[i]!, 0);
  if (back) {
    const box = x.shape.map((n, i) => ({ n, x: inY[i]!, y: inX[i]! }));
    rearrange(y, x, box, { x: start, y: 0 });
  } else {
    const box = x.shape.map((n, i) => ({ n, x: inX[i]!, y: inY[i]! }));
    rearrange(x, y, box, { x: 0, y: start });
  }
}

const op = defineOp<[Tensor], Params>({
  name: "pad",
  takes: { x: ANY },
  shape([x], { paddings }): Shape {
    const whole = paddings.flat().every((places) => Number.isInteger(places) && places >= 0);
    if (paddings.length !== x.length || !whole) {
      throw new Error(
        `pad: every axis of x [${x}] needs [before, after], whole and not negative; got ${JSON.stringify(paddings)}`,
      );
    }
    return x.map((n, i) => n + paddings[i]![0] + paddings[i]![1]);
  },
  forward({ device, inputs: [x], params: { paddings, value }, output: y }) {
    if (value === 0) device.clear(y);
    else rearrange(fill(device, [], value, x.dtype), y, [{ n: y.size, x: 0, y: 1 }]);
    moveMiddle(x, y, paddings, false);
  },
  backward({ params: { paddings }, into }, dy) {
    const dx = into(0);
    moveMiddle(dx, dy, paddings, true);
    return [dx];
  },
});

/**
 * x with a constant around it; one [before, after] per axis, first axis first (torch.nn.functional.pad lists the last
 * axis first). x [n0, ...] -> [before0 + n0 + after0, ...]. Any dtype; `value` is fixed for good.
 */
export const pad = (x: Tensor, paddings: readonly Padding[], value = 0): Tensor =>
  op([x], { paddings, value });
