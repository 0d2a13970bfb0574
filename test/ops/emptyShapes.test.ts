import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import * as ops from "../../src/engine/ops/index.ts";
import { withDevice } from "../withDevice.ts";

/** What would give a tensor without values, or with a length that is no positive whole number. */
const EMPTY: Record<string, (x: Tensor, index: Tensor) => unknown> = {
  "slice of no place": (x) => ops.slice(x, 0, 1, 1),
  "topK of none": (x) => ops.topK(x, 0),
  "concat of nothing": () => ops.concat([], 0),
  "pad by less than nothing": (x) =>
    ops.pad(x, [
      [-2, 0],
      [-2, 0],
    ]),
  "expand to no place": (x) => ops.expand(x, [0, 2, 2]),
  "reshape to no place": (x) => ops.reshape(x, [0, -1]),
  "reshape to negative lengths": (x) => ops.reshape(x, [-2, -2]),
  "reshape with two open lengths": (x) => ops.reshape(x, [-1, -1]),
  "fill of no place": (x) => ops.fill(x.device, [0], 1),
  "uniform of no place": (x, step) => ops.uniform(x.device, [2, 0], { seed: 1, stream: "dropout", step }),
  "scatterTokens to no place": (x, index) =>
    ops.scatterTokens(ops.reshape(x, [1, 1, 4]), ops.reshape(index, [1, 1]), 0),
  "resize to nothing": (x) =>
    ops.resize(ops.reshape(x, [1, 2, 2, 1]), { height: 0, width: 2, mode: "bilinear" }),
  "patches of no size": (x) => ops.patchify(ops.reshape(x, [1, 2, 2, 1]), 0),
  "patches in a negative grid": (x) => ops.unpatchify(ops.reshape(x, [1, 4, 1]), 1, { grid: [-2, -2] }),
  "windows of no size": (x) => ops.unfold(ops.reshape(x, [1, 2, 2, 1]), 0),
  "squares of no size": (x) => ops.maxPool2d(ops.reshape(x, [1, 2, 2, 1]), 0),
  "a negative number of heads": (x) => ops.selfAttention(ops.fill(x.device, [1, 2, 12], 1), -1),
};

describe("no op makes an empty tensor", () => {
  const on = withDevice();

  test.each(Object.entries(EMPTY))("%s is refused in one sentence", (_, op) => {
    const x = Tensor.from(on.device, [1, 2, 3, 4], [2, 2]);
    const index = Tensor.from(on.device, [0], [1], "u32");
    expect(() => op(x, index)).toThrow(/^[\w.]+: .+/);
  });
});
