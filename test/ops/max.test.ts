import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { argmax, max } from "../../src/engine/ops/max.ts";
import { type Array64, array64, random64, testRandom } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** Largest values along an axis, and where each comes first. */
function largest64(x: Array64, axis: number) {
  const n = x.shape[axis]!;
  const inner = x.shape.slice(axis + 1).reduce((size, d) => size * d, 1);
  const shape = x.shape.filter((_, i) => i !== axis);
  const values = array64(shape);
  const index = values.data.map((_, i) => {
    const first = Math.floor(i / inner) * n * inner + (i % inner);
    let best = 0;
    for (let k = 1; k < n; k++) if (x.data[first + k * inner]! > x.data[first + best * inner]!) best = k;
    values.data[i] = x.data[first + best * inner]!;
    return best;
  });
  return { values, index: Uint32Array.from(index) };
}

const shapes = [
  [4, 5],
  [65, 1],
  [3, 64],
  [2, 33, 7],
  [5, 300],
  [1, 1030],
];
for (const axis of [0, 1]) {
  checkOp(
    `max over axis ${axis}`,
    (x) => max(x!, axis),
    (x) => largest64(x!, axis).values,
    shapes.map((shape) => ({ shapes: [shape] })),
  );
}

describe("max and argmax", () => {
  const on = withDevice();
  const upload = ({ data, shape }: Array64) => Tensor.from(on.device, Float32Array.from(data), shape);

  test.each([
    [[1], 0],
    [[5, 6], 1],
    [[300, 40], -1],
    [[3, 129, 5], 1],
    [[70, 9], 0],
    [[2, 1500], 1],
    [[2, 9000], 1],
  ])("argmax of x %j over axis %i finds the first of equals", async (shape, axis) => {
    const x = array64(shape, random64(shape, testRandom(3), 0, 4).data.map(Math.floor)); // many ties
    const expected = largest64(x, (axis + shape.length) % shape.length);
    const index = argmax(upload(x), axis, true);
    expect(index.shape).toEqual(shape.map((n, i) => (i === (axis + shape.length) % shape.length ? 1 : n)));
    expect(index.dtype).toBe("u32");
    expect(await index.read()).toEqual(expected.index);
  });

  test("the gradient of equal values goes to the first", async () => {
    const x = Tensor.from(on.device, [1, 3, 3, 3, 2, 2, 1, 0], [2, 4]);
    const seed = Tensor.from(on.device, [5, 7], [2, 1]);
    const [dx] = grad(max(x, -1, true), [x], { seed });
    expect([...(await dx!.read())]).toEqual([0, 5, 0, 0, 7, 0, 0, 0]);
  });

  test("very negative values are still maxima", async () => {
    const x = Tensor.from(on.device, [-3.3e38, -3.2e38, -3.4e38], [3]);
    expect(await max(x, 0).item()).toBe(Math.fround(-3.2e38));
    expect(await argmax(x, 0).item()).toBe(1);
  });
});
