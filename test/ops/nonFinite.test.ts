import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { argmax, fill, max, maximum, normalize, relu, reshape, softmax } from "../../src/engine/ops/index.ts";
import { expectValues } from "../expectValues.ts";
import { withDevice } from "../withDevice.ts";
import { everyOp } from "./everyOp.ts";

const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

describe("what is not finite", () => {
  const on = withDevice();

  for (const { op, inputs, run, reference, nonFinite } of everyOp) {
    if (!reference || nonFinite === "none") continue;
    const dtypes = inputs.map(({ takes }) => (takes === "same" ? "f32" : takes[0]!));
    const title = `${op} ${inputs.map(({ shape }) => `[${shape}]`).join(" ")}`;
    test(`${title} gives PyTorch's answer`, async () => {
      for (const [i, input] of inputs.entries()) {
        if (dtypes[i] !== "f32") continue;
        for (const special of SPECIAL) {
          for (const place of new Set([0, input.values.length - 1])) {
            const values = inputs.map((other, k) =>
              other.values.map((value, at) => (k === i && at === place ? special : value)),
            );
            const tensors = inputs.map(({ shape }, k) =>
              Tensor.from(on.device, values[k]!, shape, dtypes[k]!),
            );
            const found = await run(...tensors).read();
            const what = `${special} at ${place} of input ${i}`;
            expectValues(what, found, reference(...values), nonFinite === "some");
            for (const tensor of tensors) tensor.dispose();
          }
        }
      }
    });
  }

  /** Rows long enough for several lanes, several rounds of them, and a second pass. */
  test.each([7, 300, 3000, 20_000])("one NaN in a row of %i is found wherever it is", async (n) => {
    for (const at of [0, 1, n >> 1, n - 1]) {
      const values = Float32Array.from({ length: n }, (_, i) => ((i * 37) % 101) - 50);
      values[at] = Number.NaN;
      const x = Tensor.from(on.device, values, [1, n]);
      expect(await argmax(x, 1).item()).toBe(at);
      expect(await max(x, 1).item()).toBeNaN();
      expect(await argmax(reshape(x, [n, 1]), 0).item()).toBe(at);
      for (const op of [softmax, normalize]) expect((await op(x).read()).every(Number.isNaN)).toBe(true);
      const larger = await maximum(x, fill(on.device, [], 0)).read();
      expect(Array.from(larger).findIndex(Number.isNaN)).toBe(at);
    }
  });

  test("a gradient that is not finite stays on its side of relu and maximum", async () => {
    const [nan, most, least] = SPECIAL as [number, number, number];
    const [x, zero] = [Tensor.from(on.device, [-1, 2, -3, 4], [4]), fill(on.device, [4], 0)];
    const seed = Tensor.from(on.device, [nan, 5, most, least], [4]);
    const [dx] = grad(relu(x), [x], { seed });
    expectValues("relu", await dx!.read(), [0, 5, 0, least]);
    const [da, db] = grad(maximum(x, zero), [x, zero], { seed });
    expectValues("maximum, a", await da!.read(), [0, 5, 0, least]);
    expectValues("maximum, b", await db!.read(), [nan, 0, most, 0]);
  });

  test("values near the ends of f32 are maxima, too", async () => {
    const x = Tensor.from(on.device, [-3.3e38, -3.3e38, 3e38, -3e38], [2, 2]);
    expectValues("softmax", await softmax(x).read(), [0.5, 0.5, 1, 0]);
  });
});
