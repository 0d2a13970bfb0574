import { describe, expect, test } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import { grad } from "../../../src/engine/graph/autograd.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { attention, selfAttention } from "../../../src/engine/ops/attention.ts";
import { crossEntropy } from "../../../src/engine/ops/crossEntropy.ts";
import { layerNorm } from "../../../src/engine/ops/layerNorm.ts";
import { linear, mlp } from "../../../src/engine/ops/linear.ts";
import { matmul } from "../../../src/engine/ops/matmul.ts";
import { softmax } from "../../../src/engine/ops/softmax.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { Random } from "../../../src/engine/random.ts";
import { inNodeAlone } from "../../inNodeAlone.ts";
import { withDevice } from "../../withDevice.ts";
import { maskedAutoencoder, supervised } from "../tinyTraining.ts";

describe("the kernels without subgroups give the bits of those with", () => {
  const [usual, portable] = [withDevice(), withDevice({ portable: true })];
  const devices = () => [usual.device, portable.device];

  const cases: [string, number[][], (...inputs: Tensor[]) => Tensor][] = [
    ["selfAttention", [[2, 17, 72]], (qkv) => selfAttention(qkv!, 3)],
    ["selfAttention, a row more than a workgroup", [[1, 65, 48]], (qkv) => selfAttention(qkv!, 2)],
    [
      "attention",
      [
        [2, 3, 16],
        [2, 70, 16],
        [2, 70, 16],
      ],
      (q, k, v) => attention(q!, k!, v!, 2),
    ],
    [
      "matmul",
      [
        [33, 70],
        [70, 65],
      ],
      (a, b) => matmul(a!, b!),
    ],
    [
      "matmul, large",
      [
        [128, 96],
        [96, 192],
      ],
      (a, b) => matmul(a!, b!),
    ],
    [
      "linear with a residual",
      [[37, 20], [24, 20], [24], [37, 24]],
      (x, weight, bias, residual) => linear(x!, weight!, bias, residual),
    ],
    [
      "mlp",
      [[37, 20], [80, 20], [80], [20, 80], [20], [37, 20]],
      (x, w1, b1, w2, b2, residual) =>
        mlp(x!, { fc1: { weight: w1!, bias: b1! }, fc2: { weight: w2!, bias: b2! } }, "erf", residual),
    ],
    ["softmax", [[70, 20]], (x) => softmax(x!)],
    ["softmax, rows of 16 lanes", [[5, 300]], (x) => softmax(x!)],
    ["softmax, rows of 256 lanes", [[2, 8200]], (x) => softmax(x!)],
    ["sum", [[70, 20]], (x) => sum(x!, 1)],
    [
      "crossEntropy",
      [
        [9, 20],
        [9, 20],
      ],
      (logits, target) => crossEntropy(logits!, target!),
    ],
    ["layerNorm", [[70, 130], [130], [130]], (x, weight, bias) => layerNorm(x!, weight, bias)],
  ];

  test.each(cases)("%s and its gradients", async (_, shapes, op) => {
    const results = devices().map((device) => {
      const drawn = (shape: number[], step: number) => {
        const size = shape.reduce((product, n) => product * n, 1);
        return Tensor.from(device, new Random(4, "test", step).fillNormal(new Float32Array(size)), shape);
      };
      const inputs = shapes.map(drawn);
      const y = op(...inputs);
      return [y, ...grad(y, inputs, { seed: drawn([...y.shape], 99) })];
    });
    const [expected, found] = results as [Tensor[], Tensor[]];
    for (const [i, tensor] of expected.entries()) {
      const [a, b] = [await tensor.read(), await found[i]!.read()];
      expect(new Uint32Array(a.buffer)).toEqual(new Uint32Array(b.buffer));
      expect(a.every(Number.isFinite)).toBe(true);
    }
  });

  test("selfAttention with a bias", async () => {
    const results = devices().map((device) => {
      const random = new Random(4, "test");
      const drawn = (shape: number[], size: number) =>
        Tensor.from(device, random.fillNormal(new Float32Array(size)), shape);
      return selfAttention(drawn([2, 9, 48], 864), 2, drawn([2, 9, 9], 162)).read();
    });
    const [expected, found] = await Promise.all(results);
    expect(new Uint32Array(found!.buffer)).toEqual(new Uint32Array(expected!.buffer));
  });

  // The cases above hold on both adapters every kernel of a step that subgroups change; what a whole step adds, how kernels
  // follow each other, is the adapter's affair in neither.
  inNodeAlone(() => {
    test.each([
      ["a supervised ViT", supervised],
      ["a masked autoencoder", maskedAutoencoder],
    ])("three steps of %s", async (_, make) => {
      const [expected, found] = await Promise.all(
        devices().map(async (device) => {
          const training = make(device);
          const step = await compile(device, () => training.step());
          for (let now = 0; now < 3; now++) {
            training.write(now);
            step.run();
          }
          const values = await Promise.all(Object.values(training.state).map((tensor) => tensor.read()));
          await step.dispose();
          return values.map(({ buffer }) => new Uint32Array(buffer));
        }),
      );
      expect(found).toEqual(expected);
    });
  });

  test("the portable device has no subgroups to use", () => {
    expect(portable.device.capabilities.subgroupSize).toBe(0);
  });
});
