import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { expand } from "../../src/engine/ops/expand.ts";
import { checkOp } from "../checkOp.ts";
import { expand64 } from "../expand64.ts";
import { withDevice } from "../withDevice.ts";

const cases: [number[], number[]][] = [
  [[], [5]],
  [
    [1, 1, 8],
    [3, 1, 8],
  ],
  [
    [1, 1, 5],
    [3, 2, 5],
  ],
  [
    [3, 1],
    [3, 66],
  ],
  [
    [2, 1, 3, 1],
    [4, 2, 5, 3, 2],
  ],
  [[4], [4]],
];
for (const [from, to] of cases) {
  checkOp(
    `expand to [${to}]`,
    (x) => expand(x!, to),
    (x) => expand64(x!, to),
    [{ shapes: [from] }],
  );
}

const on = withDevice();

test("x must stretch to the shape", () => {
  const x = Tensor.from(on.device, [1, 2], [2, 1]);
  expect(() => expand(x, [1, 3])).toThrow(
    "expand: x must stretch to the given shape; got x [2,1] and shape [1,3]",
  );
  expect(() => expand(x, [3, 3])).toThrow("expand");
});
