import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { type CrossEntropyOptions, crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import { type Array64, array64, random64, testRandom } from "../array64.ts";
import { checkOp, expectClose } from "../checkOp.ts";
import { GRADIENT, VALUE } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";

/** The definition, by the log-probabilities of every class. */
function crossEntropy64(
  x: Array64,
  t: Array64,
  { labelSmoothing = 0, reduction }: CrossEntropyOptions,
): Array64 {
  const n = x.shape.at(-1)!;
  const losses = array64(x.shape.slice(0, -1));
  losses.data.forEach((_, row) => {
    const values = x.data.subarray(row * n, row * n + n);
    const most = values.reduce((a, b) => Math.max(a, b));
    const logSum = most + Math.log(values.reduce((sum, v) => sum + Math.exp(v - most), 0));
    values.forEach((v, k) => {
      const wanted = (1 - labelSmoothing) * t.data[row * n + k]! + labelSmoothing / n;
      losses.data[row]! -= wanted * (v - logSum);
    });
  });
  if (reduction === "none") return losses;
  return array64([], [losses.data.reduce((sum, v) => sum + v, 0) / losses.data.length]);
}

/** Labels for some logits, the first and the last class among them, and the same as weights. */
function labelsFor(shape: readonly number[]) {
  const n = shape.at(-1)!;
  const rows = shape.slice(0, -1).reduce((size, d) => size * d, 1);
  const labels = Array.from({ length: rows }, (_, row) => (row === 0 ? n - 1 : (row - 1) * 7) % n);
  const weights = array64(shape);
  labels.forEach((label, row) => {
    weights.data[row * n + label] = 1;
  });
  return { labels, weights };
}

const shapes = [
  [1, 1],
  [3, 5],
  [9, 32],
  [2, 2, 65],
  [3, 131],
  [3, 300],
  [2, 1100],
];
const variants: CrossEntropyOptions[] = [{}, { reduction: "none", labelSmoothing: 0.1 }];

for (const options of variants) {
  const title = `crossEntropy ${JSON.stringify(options)}`;
  for (const dtype of ["u32", "i32"] as const) {
    checkOp(
      `${title} of ${dtype} labels`,
      (x) =>
        crossEntropy(
          x!,
          Tensor.from(x!.device, labelsFor(x!.shape).labels, x!.shape.slice(0, -1), dtype),
          options,
        ),
      (x) => crossEntropy64(x!, labelsFor(x!.shape).weights, options),
      [
        ...shapes.map((shape) => ({ shapes: [shape] })),
        { shapes: [[3, 40]], low: 80, high: 100, label: "large " },
      ],
    );
  }
  // Weights that do not sum to one, so that the gradient must carry their sum.
  checkOp(
    `${title} of weights`,
    (x, t) => crossEntropy(x!, t!, options),
    (x, t) => crossEntropy64(x!, t!, options),
    [...shapes.map((shape) => ({ shapes: [shape, shape] }))],
  );
}

// A class or a number that is none, at every third row at least.
for (const options of [
  { ignoreIndex: 77 },
  { ignoreIndex: 2, reduction: "none", labelSmoothing: 0.1 },
] as const) {
  const { ignoreIndex } = options;
  const labelsOf = (shape: readonly number[]) =>
    labelsFor(shape).labels.map((label, row) => (row % 3 === 1 ? ignoreIndex : label));
  checkOp(
    `crossEntropy ${JSON.stringify(options)}`,
    (x) =>
      crossEntropy(x!, Tensor.from(x!.device, labelsOf(x!.shape), x!.shape.slice(0, -1), "u32"), options),
    (x) => {
      const losses = crossEntropy64(x!, labelsFor(x!.shape).weights, { ...options, reduction: "none" });
      const counted = losses.data.map((loss, row) => (labelsOf(x!.shape)[row] === ignoreIndex ? 0 : loss));
      if ("reduction" in options) return { ...losses, data: counted };
      return array64([], [counted.reduce((sum, loss) => sum + loss, 0) / counted.length]);
    },
    [
      [1, 5],
      [9, 32],
      [2, 2, 65],
      [3, 131],
    ].map((shape) => ({ shapes: [shape] })),
  );
}

describe("crossEntropy", () => {
  const on = withDevice();

  test("65,536 classes", async () => {
    const shape = [3, 65_536];
    const x = random64(shape, testRandom(5), -8, 8);
    const { labels, weights } = labelsFor(shape);
    const logits = Tensor.from(on.device, Float32Array.from(x.data), shape);
    const loss = crossEntropy(logits, Tensor.from(on.device, labels, [3], "u32"));
    const [dx] = grad(loss, [logits]);
    expectClose("loss", await loss.read(), crossEntropy64(x, weights, {}).data, VALUE);
    const sums = [0, 0, 0];
    const rowOf = (i: number) => Math.floor(i / shape[1]!);
    x.data.forEach((v, i) => {
      sums[rowOf(i)]! += Math.exp(v);
    });
    const expected = x.data.map((v, i) => (Math.exp(v) / sums[rowOf(i)]! - weights.data[i]!) / 3);
    expectClose("dx", await dx!.read(), expected, GRADIENT);
  });

  test("a label that is no class makes its row NaN, and only that", async () => {
    const logits = Tensor.zeros(on.device, [3, 4]);
    const labels = Tensor.from(on.device, [1, -1, 4], [3], "i32");
    const losses = crossEntropy(logits, labels, { reduction: "none" });
    const values = await losses.read();
    expect(values[0]).toBeCloseTo(Math.log(4), 5);
    expect([...values.slice(1)]).toEqual([Number.NaN, Number.NaN]);
  });

  test("of ignored labels alone the loss and its gradient are 0, whatever the logits", async () => {
    const logits = Tensor.from(on.device, [1, 2, 1e30, -1e30], [2, 2]);
    const labels = Tensor.from(on.device, [-100, -100], [2], "i32");
    const loss = crossEntropy(logits, labels, { ignoreIndex: -100 });
    const [dx] = grad(loss, [logits]);
    expect([await loss.item(), ...(await dx!.read())]).toEqual([0, 0, 0, 0, 0]);
    expect(() => crossEntropy(logits, logits, { ignoreIndex: 1 })).toThrow("got 1 beside f32 weights");
  });

  test("a logit of -infinity that is not the label costs nothing", async () => {
    const logits = Tensor.from(on.device, [0, 0, Number.NEGATIVE_INFINITY], [1, 3]);
    const loss = crossEntropy(logits, Tensor.from(on.device, [1], [1], "u32"));
    expect(await loss.item()).toBeCloseTo(Math.log(2), 5);
  });

  test("inputs that do not fit are named", () => {
    const logits = Tensor.zeros(on.device, [3, 4]);
    const labels = Tensor.zeros(on.device, [4], "u32");
    expect(() => crossEntropy(logits, labels)).toThrow("got logits [3,4] and label target [4]");
    expect(() => crossEntropy(logits, logits, { labelSmoothing: 10 })).toThrow("must be in [0, 1]; got 10");
  });
});
