import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { indexSelect } from "../../src/engine/ops/indexSelect.ts";
import { type Array64, array64, testRandom } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

function select64(index: readonly number[], shape: readonly number[]) {
  return (x: Array64): Array64 => {
    const row = x.shape.slice(1);
    const size = row.reduce((product, n) => product * n, 1);
    const rows = index.flatMap((i) => [...x.data.subarray(i * size, (i + 1) * size)]);
    return array64([...shape, ...row], rows);
  };
}

const cases: [number[], number[]][] = [
  [[1], [1]],
  [[7], [65]],
  [[5, 4], [3]],
  [
    [5, 3],
    [2, 3],
  ],
  [[10, 2, 6], [130]],
];
for (const [shape, indexShape] of cases) {
  const next = testRandom(shape.length);
  const count = indexShape.reduce((size, n) => size * n, 1);
  const index = Array.from({ length: count }, () => Math.floor(next() * shape[0]!));
  const op = (x: Tensor) => indexSelect(x, Tensor.from(x.device, index, indexShape, "i32"));
  checkOp(`indexSelect [${indexShape}]`, (x) => op(x!), select64(index, indexShape), [{ shapes: [shape] }]);
}

const on = withDevice();

test("whole numbers can be looked up; x needs rows", async () => {
  const labels = Tensor.from(on.device, [7, 8, 9], [3], "u32");
  const index = Tensor.from(on.device, [2, 0], [2], "u32");
  expect([...(await indexSelect(labels, index).read())]).toEqual([9, 7]);
  expect(() => indexSelect(Tensor.from(on.device, [1], []), index)).toThrow(
    "indexSelect: x needs at least one axis",
  );
});
