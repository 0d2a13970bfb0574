import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { mae, maeConfig, targets } from "../../src/models/mae.ts";
import { withDevice } from "../withDevice.ts";
import { fixtureImages, fixtureParameters, loadFixture, TINY } from "./model.ts";
import { relativeError } from "./relative.ts";

describe("MAE against PyTorch", () => {
  const on = withDevice();
  const fixture = loadFixture("mae");
  const decoder = { decoderEmbedDim: 16, decoderDepth: 2, decoderNumHeads: 2 };
  const config = maeConfig(TINY, decoder);
  const noise = () => Tensor.from(on.device, fixture.values("noise"), fixture.shape("noise"));

  test("mask, prediction and both losses", async () => {
    const params = fixtureParameters(on.device, fixture);
    const images = fixtureImages(on.device, fixture);
    const normalised = mae(params, config, images, noise());
    const pixels = mae(params, { ...config, normPixLoss: false }, images, noise());
    expect([...(await normalised.masking.mask.read())]).toEqual([...fixture.values("mask")]);
    expect([...(await normalised.masking.idsRestore.read())]).toEqual([...fixture.values("ids_restore")]);
    expect([...(await normalised.masking.idsKeep.read())]).toEqual([...fixture.values("ids_keep")]);
    expect(relativeError(await normalised.pred.read(), fixture.values("pred"))).toBeLessThan(2e-6);
    const target = await targets(config, images).read();
    expect(relativeError(target, fixture.values("target_norm_pix"))).toBeLessThan(2e-6);
    expect(relativeError(await normalised.loss.read(), fixture.values("loss_norm_pix"))).toBeLessThan(1e-6);
    expect(relativeError(await pixels.loss.read(), fixture.values("loss_pixels"))).toBeLessThan(1e-6);
  });

  test("the gradient of every trained parameter", async () => {
    const params = fixtureParameters(on.device, fixture);
    const { loss } = mae(params, config, fixtureImages(on.device, fixture), noise());
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
