import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import { classify, vit } from "../../src/models/vit.ts";
import { withDevice } from "../withDevice.ts";
import { fixtureImages, fixtureLabels, fixtureParameters, loadFixture, TINY } from "./model.ts";
import { relativeError } from "./relative.ts";

describe("ViT against PyTorch", () => {
  const on = withDevice();
  const fixture = loadFixture("vit");

  test("forward: every block, the final tokens, the logits and the loss", async () => {
    const params = fixtureParameters(on.device, fixture);
    const { tokens, blocks } = vit(params, TINY, fixtureImages(on.device, fixture));
    const logits = classify(params, tokens);
    const loss = crossEntropy(logits, fixtureLabels(on.device, fixture));
    for (const [i, block] of blocks.entries()) {
      expect(relativeError(await block.read(), fixture.values(`blocks.${i}.output`))).toBeLessThan(2e-6);
    }
    expect(relativeError(await tokens.read(), fixture.values("tokens"))).toBeLessThan(2e-6);
    expect(relativeError(await logits.read(), fixture.values("logits"))).toBeLessThan(2e-6);
    expect(relativeError(await loss.read(), fixture.values("loss"))).toBeLessThan(1e-6);
  });

  test("the gradient of every parameter", async () => {
    const params = fixtureParameters(on.device, fixture);
    const { tokens } = vit(params, TINY, fixtureImages(on.device, fixture));
    const loss = crossEntropy(classify(params, tokens), fixtureLabels(on.device, fixture));
    const { tensors, into } = params.trainable();
    grad(loss, tensors, { into });
    const gradients = await params.read(params.gradients!);
    const errors = [...gradients].map(([name, { values }]) => ({
      name,
      error: relativeError(values, fixture.values(`grad.${name}`)),
    }));
    const worst = errors.reduce((a, b) => (b.error > a.error ? b : a));
    expect(worst.error, `worst: ${worst.name}`).toBeLessThan(3e-6);
  });
});
