import { describe, expect, test } from "vitest";
import { Guard } from "../../src/engine/graph/guard.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { batchNorm } from "../../src/engine/ops/batchNorm.ts";
import { lars } from "../../src/engine/optim/lars.ts";
import { LINEAR_STYLES, linearHead } from "../../src/eval/probes/linearProbe.ts";
import { type Head, headStep } from "../../src/eval/probes/trainedHead.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";
import { relativeError } from "./relative.ts";

describe("MAE's linear probe against PyTorch", () => {
  const on = withDevice();
  const fixture = loadFixture("ops");
  const expected = (name: string): Float32Array => fixture.values(`probe.${name}`);
  const tensor = (name: string): Tensor =>
    Tensor.from(on.device, expected(name), fixture.shape(`probe.${name}`));

  /** One update at rate 2; the fixture's first weights and its loss. */
  async function step(): Promise<Head & { loss: number }> {
    const head = linearHead(on.device, 6, 4, 0, LINEAR_STYLES.mae);
    const { params } = head;
    params.get("head.1.weight").write(expected("weight"));
    params.get("head.1.bias").write(expected("bias"));
    const labels = Tensor.from(on.device, Uint32Array.from(expected("labels")), [12], "u32");
    const optimizer = lars(params);
    const numbers = Tensor.from(on.device, optimizer.numbers({ step: 1, lr: 2, weightDecay: 0 }), [4]);
    const guard = new Guard(on.device);
    const loss = await headStep(head, optimizer, guard, tensor("features"), labels, numbers).item();
    return { ...head, loss };
  }

  test("loss, gradients and running statistics", async () => {
    const { params, loss } = await step();
    const gradients = await params.read(params.gradients!);
    expect(relativeError([loss], expected("loss"))).toBeLessThan(1e-6);
    expect(relativeError(gradients.get("head.1.weight")!.values, expected("dweight"))).toBeLessThan(3e-6);
    expect(relativeError(gradients.get("head.1.bias")!.values, expected("dbias"))).toBeLessThan(3e-6);
    for (const name of ["running_mean", "running_var"]) {
      const found = await params.get(`head.0.${name}`).read();
      expect(relativeError(found, expected(name)), name).toBeLessThan(1e-6);
    }
  });

  test("the head after one LARS step", async () => {
    const { params } = await step();
    for (const name of ["weight", "bias"]) {
      const [found, after] = [await params.get(`head.1.${name}`).read(), expected(`after.${name}`)];
      expect(relativeError(found, after), name).toBeLessThan(1e-6);
      const moved = (values: ArrayLike<number>) => Array.from(values, (v, i) => v - expected(name)[i]!);
      expect(relativeError(moved(found), moved(after)), `movement of ${name}`).toBeLessThan(1e-4);
    }
  });

  test("training normalises by the batch, testing by the running statistics", async () => {
    const [runningMean, runningVar] = [
      Tensor.zeros(on.device, [6]),
      Tensor.from(on.device, [1, 1, 1, 1, 1, 1], [6]),
    ];
    const normed = batchNorm(tensor("features"), { runningMean, runningVar, eps: 1e-6, training: true });
    expect(relativeError(await normed.read(), expected("normed"))).toBeLessThan(2e-6);

    const { params, logits: logitsOf } = await step();
    const logits = await logitsOf(tensor("features"), null).read();
    const [x, mean, variance, weight, bias] = (
      ["features", "running_mean", "running_var", "after.weight", "after.bias"] as const
    ).map(expected) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
    const logits64 = Array.from({ length: 12 * 4 }, (_, at) => {
      const [row, k] = [Math.floor(at / 4), at % 4];
      let sum = bias[k]!;
      for (let d = 0; d < 6; d++) {
        sum += ((x[row * 6 + d]! - mean[d]!) / Math.sqrt(variance[d]! + 1e-6)) * weight[k * 6 + d]!;
      }
      return sum;
    });
    expect(relativeError(logits, logits64)).toBeLessThan(3e-6);
    expect(relativeError(await params.get("head.0.running_mean").read(), mean)).toBeLessThan(1e-6);
  });
});
