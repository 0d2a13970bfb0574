import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { layerNorm } from "../../src/engine/ops/layerNorm.ts";
import { type Array64, array64, random64, testRandom } from "../array64.ts";
import { checkOp, expectClose } from "../checkOp.ts";
import { inNodeAlone } from "../inNodeAlone.ts";
import { GRADIENT } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";

/** The normalised rows and, for each, 1 / sqrt(variance + eps). */
function normalized64(x: Array64, eps: number) {
  const n = x.shape.at(-1)!;
  const h = array64(x.shape);
  const rstd: number[] = [];
  for (let row = 0; row < x.data.length; row += n) {
    const values = x.data.subarray(row, row + n);
    const mean = values.reduce((sum, v) => sum + v, 0) / n;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n;
    rstd.push(1 / Math.sqrt(variance + eps));
    values.forEach((v, k) => {
      h.data[row + k] = (v - mean) / Math.sqrt(variance + eps);
    });
  }
  return { n, h, rstd };
}

const layerNorm64 =
  (eps: number) =>
  (x: Array64, weight: Array64, bias: Array64): Array64 => {
    const { n, h } = normalized64(x, eps);
    return array64(
      x.shape,
      h.data.map((v, i) => v * weight.data[i % n]! + bias.data[i % n]!),
    );
  };

// No row of two values here: it becomes ±1 whatever they are, so its gradient is all cancellation.
checkOp("layerNorm", (x, weight, bias) => layerNorm(x!, weight, bias), layerNorm64(1e-6), [
  { shapes: [[5], [5], [5]] },
  { shapes: [[3, 3], [3], [3]] },
  { shapes: [[7, 10], [10], [10]] },
  { shapes: [[2, 9, 33], [33], [33]] },
  { shapes: [[17, 64], [64], [64]] },
  { shapes: [[3, 131], [131], [131]] },
  { shapes: [[5, 300], [300], [300]] },
  { shapes: [[2, 1030], [1030], [1030]] },
  { shapes: [[2, 8200], [8200], [8200]] },
  { shapes: [[5, 40], [40], [40]], low: 99, high: 101, label: "far from zero ", value: 1e-4, gradient: 2e-4 },
]);

checkOp(
  "layerNorm without affine",
  (x) => layerNorm(x!, undefined, undefined, 1e-5),
  (x) => normalized64(x!, 1e-5).h,
  [{ shapes: [[1]] }, { shapes: [[3, 6]] }, { shapes: [[2, 3, 70]] }],
);

describe("layerNorm", () => {
  const on = withDevice();
  const upload = ({ data, shape }: Array64) => Tensor.from(on.device, Float32Array.from(data), shape);

  test.each([
    [513, 20],
    [8200, 3],
  ])("gradients of x [%i, %i] against their formulas", expectGradients);

  // So many that a workgroup takes the most rows in turn, which only the host decides: two seconds for every pass on SwiftShader.
  inNodeAlone(() => {
    test("gradients of x [66000, 2] against their formulas", () => expectGradients(66_000, 2));
  });

  test("all gradients may lie in one buffer", async () => {
    const next = testRandom(7);
    const shapes = [[9, 64], [64], [64]];
    const inputs = shapes.map((shape) => upload(random64(shape, next)));
    const seed = upload(random64(shapes[0]!, next));
    const y = layerNorm(...(inputs as [Tensor, Tensor, Tensor]));
    const apart = grad(y, inputs, { seed });
    const flat = Tensor.zeros(on.device, [11 * 64]);
    const into = [flat.alias([9, 64]), flat.alias([64], 9 * 256), flat.alias([64], 10 * 256)];
    grad(y, inputs, { seed, into });
    for (const [i, gradient] of apart.entries()) expect(await into[i]!.read()).toEqual(await gradient.read());
  });

  test("shapes that do not fit are named", () => {
    const zeros = (...shape: number[]) => Tensor.zeros(on.device, shape);
    expect(() => layerNorm(zeros(2, 3), zeros(2), zeros(3))).toThrow("got x [2,3], weight [2] and bias [3]");
    expect(() => layerNorm(zeros())).toThrow("layerNorm: x needs at least one axis");
  });

  async function expectGradients(rows: number, n: number): Promise<void> {
    const next = testRandom(rows);
    const [x, dy] = [random64([rows, n], next), random64([rows, n], next, -1, 1)];
    const [weight, bias] = [random64([n], next), random64([n], next)];
    const inputs = [upload(x), upload(weight), upload(bias)] as const;
    const eps = 1e-2; // rows of few values may be almost constant
    const [dx, dweight, dbias] = grad(layerNorm(...inputs, eps), inputs, { seed: upload(dy) });

    const { h, rstd } = normalized64(x, eps);
    const expected = { dx: array64(x.shape), dweight: array64([n]), dbias: array64([n]) };
    for (let row = 0; row < rows; row++) {
      let [mean, along] = [0, 0];
      for (let k = 0; k < n; k++) {
        const i = row * n + k;
        const g = dy.data[i]! * weight.data[k]!;
        mean += g / n;
        along += (g * h.data[i]!) / n;
        expected.dweight.data[k]! += dy.data[i]! * h.data[i]!;
        expected.dbias.data[k]! += dy.data[i]!;
      }
      for (let k = 0; k < n; k++) {
        const i = row * n + k;
        expected.dx.data[i] = rstd[row]! * (dy.data[i]! * weight.data[k]! - mean - h.data[i]! * along);
      }
    }
    expectClose("dx", await dx!.read(), expected.dx.data, GRADIENT);
    expectClose("dweight", await dweight!.read(), expected.dweight.data, GRADIENT);
    expectClose("dbias", await dbias!.read(), expected.dbias.data, GRADIENT);
  }
});
