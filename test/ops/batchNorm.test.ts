import { describe, expect, test } from "vitest";
import { compile } from "../../src/engine/capture/compile.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { recompute } from "../../src/engine/graph/recompute.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { batchNorm } from "../../src/engine/ops/batchNorm.ts";
import { type Array64, array64, random64, testRandom } from "../array64.ts";
import { checkOp, expectClose } from "../checkOp.ts";
import { VALUE } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";

const EPS = 1e-5;

/** Mean and biased variance of each column. */
function statistics64(x: Array64) {
  const [rows, columns] = x.shape as [number, number];
  const mean = array64([columns]);
  const variance = array64([columns]);
  x.data.forEach((v, i) => {
    mean.data[i % columns]! += v / rows;
  });
  x.data.forEach((v, i) => {
    variance.data[i % columns]! += (v - mean.data[i % columns]!) ** 2 / rows;
  });
  return { mean, variance };
}

function batchNorm64(
  x: Array64,
  { mean, variance } = statistics64(x),
  weight?: Array64,
  bias?: Array64,
): Array64 {
  return array64(
    x.shape,
    x.data.map((v, i) => {
      const k = i % x.shape[1]!;
      const h = (v - mean.data[k]!) / Math.sqrt(variance.data[k]! + EPS);
      return h * (weight?.data[k] ?? 1) + (bias?.data[k] ?? 0);
    }),
  );
}

/** Running statistics that are not those of any batch, different in every column. */
const given = (columns: number) => ({
  mean: array64(
    [columns],
    Float64Array.from({ length: columns }, (_, k) => Math.fround(Math.sin(k))),
  ),
  variance: array64(
    [columns],
    Float64Array.from({ length: columns }, (_, k) => Math.fround(1.5 + Math.cos(k))),
  ),
});

function runningOn(x: Tensor) {
  const { mean, variance } = given(x.shape[1]!);
  const upload = ({ data, shape }: Array64) => Tensor.from(x.device, Float32Array.from(data), shape);
  return { runningMean: upload(mean), runningVar: upload(variance) };
}

const sizes = [
  [3, 1], // two rows become ±1 whatever they are, so their gradient is all cancellation
  [5, 3],
  [8, 8],
  [33, 9],
  [65, 17],
  [131, 5],
  [4, 300],
] as const;
const affine = sizes.map(([n, d]) => ({ shapes: [[n, d], [d], [d]] }));
const plain = sizes.slice(1, 4).map((shape) => ({ shapes: [shape] }));

for (const training of [true, false]) {
  const mode = training ? "training" : "evaluation";
  const statistics = (x: Array64) => (training ? statistics64(x) : given(x.shape[1]!));
  checkOp(
    `batchNorm in ${mode}`,
    (x, weight, bias) => batchNorm(x!, { weight: weight!, bias: bias!, ...runningOn(x!), training }),
    (x, weight, bias) => batchNorm64(x!, statistics(x!), weight, bias),
    affine,
  );
  checkOp(
    `batchNorm in ${mode} without affine`,
    (x) => batchNorm(x!, { ...runningOn(x!), training }),
    (x) => batchNorm64(x!, statistics(x!)),
    plain,
  );
}

describe("batchNorm: the running statistics", () => {
  const on = withDevice();

  test("move towards those of each batch, the variance unbiased", async () => {
    const [rows, columns, momentum] = [7, 20, 0.3];
    const next = testRandom(1);
    const expected = given(columns);
    const shape = [rows, columns];
    const running = runningOn(Tensor.zeros(on.device, shape));
    for (let step = 0; step < 3; step++) {
      const x = random64(shape, next);
      batchNorm(Tensor.from(on.device, Float32Array.from(x.data), shape), {
        ...running,
        momentum,
        training: true,
      });
      const { mean, variance } = statistics64(x);
      for (let k = 0; k < columns; k++) {
        expected.mean.data[k]! += momentum * (mean.data[k]! - expected.mean.data[k]!);
        const unbiased = (variance.data[k]! * rows) / (rows - 1);
        expected.variance.data[k]! += momentum * (unbiased - expected.variance.data[k]!);
      }
    }
    expectClose("runningMean", await running.runningMean.read(), expected.mean.data, VALUE);
    expectClose("runningVar", await running.runningVar.read(), expected.variance.data, VALUE);
  });

  test("move at every run of a captured step", async () => {
    const x = Tensor.from(on.device, [1, 3], [2, 1]);
    const running = { runningMean: Tensor.zeros(on.device, [1]), runningVar: Tensor.zeros(on.device, [1]) };
    const step = await compile(on.device, () => ({
      y: batchNorm(x, { ...running, momentum: 0.5, training: true }),
    }));
    step.run();
    x.write([5, 5]);
    step.run();
    expect(await running.runningMean.item()).toBe(3); // 0, then (0 + 2) / 2, then (1 + 5) / 2
    expect(await running.runningVar.item()).toBe(0.5); // 0, then (0 + 2) / 2, then (1 + 0) / 2
  });

  test("move with the guard after the op's tensors are gone, unless the run was put back", async () => {
    const x = Tensor.from(on.device, [1, 3], [2, 1]);
    const runningMean = Tensor.zeros(on.device, [1]);
    const guard = new Guard(on.device);
    const options = { runningMean, runningVar: Tensor.zeros(on.device, [1]), momentum: 0.5, training: true };
    const pass = () =>
      on.device.tidy(() => {
        recompute((inside) => batchNorm(inside, { ...options, guard }), x);
      });
    pass();
    guard.restart();
    guard.settle();
    expect(await runningMean.item()).toBe(0);
    pass();
    const others = Array.from({ length: 8 }, () => Tensor.from(on.device, [99], [1])); // in the memory of before
    guard.settle();
    expect(await runningMean.item()).toBe(1); // (0 + 2) / 2
    for (const tensor of others) tensor.dispose();
  });

  test("all gradients may lie in one buffer", async () => {
    const next = testRandom(8);
    const shapes = [[9, 64], [64], [64]];
    const inputs = shapes.map((shape) => {
      return Tensor.from(on.device, Float32Array.from(random64(shape, next).data), shape);
    });
    const [x, weight, bias] = inputs as [Tensor, Tensor, Tensor];
    const seed = Tensor.from(on.device, Float32Array.from(random64(shapes[0]!, next).data), shapes[0]!);
    const y = batchNorm(x, { weight, bias, ...runningOn(x), training: true });
    const apart = grad(y, inputs, { seed });
    const flat = Tensor.zeros(on.device, [11 * 64]);
    const into = [flat.alias([9, 64]), flat.alias([64], 9 * 256), flat.alias([64], 10 * 256)];
    grad(y, inputs, { seed, into });
    for (const [i, gradient] of apart.entries()) expect(await into[i]!.read()).toEqual(await gradient.read());
  });

  test("stay as they are in evaluation", async () => {
    const x = Tensor.zeros(on.device, [1, 4]);
    const running = runningOn(x);
    batchNorm(x, { ...running, training: false });
    expect(await running.runningMean.read()).toEqual(Float32Array.from(given(4).mean.data));
    expect(await running.runningVar.read()).toEqual(Float32Array.from(given(4).variance.data));
  });

  test("inputs that cannot be are refused", () => {
    const x = Tensor.zeros(on.device, [1, 4]);
    expect(() => batchNorm(x, { ...runningOn(x), training: true })).toThrow("at least 2 rows");
    const other = runningOn(Tensor.zeros(on.device, [1, 3]));
    expect(() => batchNorm(x, { ...other, training: false })).toThrow("got x [1,4] and [3], [3], [3], [3]");
  });
});
