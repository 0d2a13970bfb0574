import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { attention } from "../../src/engine/ops/attention.ts";
import { batchNorm } from "../../src/engine/ops/batchNorm.ts";
import { crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import { gelu } from "../../src/engine/ops/elementwise.ts";
import { layerNorm } from "../../src/engine/ops/layerNorm.ts";
import { permute } from "../../src/engine/ops/permute.ts";
import { reshape } from "../../src/engine/ops/reshape.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";
import { relativeError } from "./relative.ts";

/** A few roundings of f32; the most measured on llvmpipe is 2.3e-7. */
const TOLERANCE = 1e-6;

describe("single operations against PyTorch", () => {
  const on = withDevice();
  const fixture = loadFixture("ops");
  const tensor = (name: string): Tensor => Tensor.from(on.device, fixture.values(name), fixture.shape(name));

  async function expectAll(found: Record<string, Tensor>): Promise<void> {
    for (const [name, values] of Object.entries(found)) {
      const error = relativeError(await values.read(), fixture.values(name));
      expect(error, name).toBeLessThan(TOLERANCE);
    }
  }

  test.each(["soft", "hard", "smooth"])("crossEntropy, %s targets", async (kind) => {
    const logits = tensor("crossEntropy.logits");
    const labels = Tensor.from(on.device, fixture.values("crossEntropy.labels"), [6], "u32");
    const target = kind === "soft" ? tensor("crossEntropy.target") : labels;
    const loss = crossEntropy(logits, target, { labelSmoothing: kind === "smooth" ? 0.1 : 0 });
    const [dlogits] = grad(loss, [logits]);
    await expectAll({ [`crossEntropy.${kind}.loss`]: loss, [`crossEntropy.${kind}.grad`]: dlogits! });
  });

  test("gelu", async () => {
    const x = tensor("gelu.x");
    const y = gelu(x);
    const [dx] = grad(y, [x], { seed: tensor("gelu.dy") });
    await expectAll({ "gelu.y": y, "gelu.dx": dx! });
  });

  test("layerNorm", async () => {
    const names = ["x", "weight", "bias"];
    const [x, weight, bias] = names.map((name) => tensor(`layerNorm.${name}`)) as [Tensor, Tensor, Tensor];
    const y = layerNorm(x, weight, bias, 1e-6);
    const gradients = grad(y, [x, weight, bias], { seed: tensor("layerNorm.dy") });
    await expectAll({
      "layerNorm.y": y,
      ...Object.fromEntries(names.map((name, i) => [`layerNorm.d${name}`, gradients[i]!])),
    });
  });

  test.each(["train", "eval"])("batchNorm, %s", async (mode) => {
    const names = ["x", "weight", "bias"];
    const [x, weight, bias] = names.map((name) => tensor(`batchNorm.${name}`)) as [Tensor, Tensor, Tensor];
    const runningMean = tensor("batchNorm.running_mean");
    const runningVar = tensor("batchNorm.running_var");
    const training = mode === "train";
    const y = batchNorm(x, { weight, bias, runningMean, runningVar, training });
    const gradients = grad(y, [x, weight, bias], { seed: tensor("batchNorm.dy") });
    const after = training ? "train." : "";
    await expectAll({
      [`batchNorm.${mode}.y`]: y,
      ...Object.fromEntries(names.map((name, i) => [`batchNorm.${mode}.d${name}`, gradients[i]!])),
      [`batchNorm.${after}running_mean`]: runningMean,
      [`batchNorm.${after}running_var`]: runningVar,
    });
  });

  test("attention with a bias", async () => {
    const [B, H, N, d] = fixture.shape("attention.q") as [number, number, number, number];
    /** [B, H, N, d] -> [B, N, H d] and back. */
    const merge = (x: Tensor) => reshape(permute(x, [0, 2, 1, 3]), [B, N, H * d]);
    const split = (x: Tensor) => permute(reshape(x, [B, N, H, d]), [0, 2, 1, 3]);
    const inputs = ["q", "k", "v", "bias"].map((name) => tensor(`attention.${name}`));
    const [q, k, v, bias] = inputs as [Tensor, Tensor, Tensor, Tensor];
    const y = split(attention(merge(q), merge(k), merge(v), H, bias));
    const [dq, dk, dv, dbias] = grad(y, inputs, { seed: tensor("attention.dy") });
    await expectAll({
      "attention.y": y,
      "attention.dq": dq!,
      "attention.dk": dk!,
      "attention.dv": dv!,
      "attention.dbias": dbias!,
    });
  });
});
