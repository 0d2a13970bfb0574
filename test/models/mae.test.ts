import { describe, expect, test } from "vitest";
import type { Device } from "../../src/engine/gpu/device.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";
import { maeInit } from "../../src/models/init.ts";
import {
  decoderSpecs,
  forwardLoss,
  keptTokens,
  type MaeConfig,
  mae,
  maeConfig,
  maskingNoise,
  randomMasking,
  targets,
} from "../../src/models/mae.ts";
import { type VitConfig, vitConfig, vitSpecs } from "../../src/models/vit.ts";
import { withDevice } from "../withDevice.ts";
import { creaturePictures, overfit } from "./learning.ts";

const ENCODER: VitConfig = {
  ...vitConfig("vit_micro_patch4_32"),
  imageSize: 16,
  embedDim: 32,
  depth: 2,
  numHeads: 4,
};
const CONFIG = maeConfig(ENCODER, { decoderEmbedDim: 32, decoderDepth: 2, decoderNumHeads: 4 });
const [PATCHES, PIXELS] = [16, 48];

const modelOf = (device: Device, config: MaeConfig): Parameters => {
  const init = maeInit(3);
  return new Parameters(device, [...vitSpecs(config.encoder, init), ...decoderSpecs(config, init)]);
};

describe("maeConfig", () => {
  test("is the paper's for the base model: 49 of 196 patches stay", () => {
    const config = maeConfig(vitConfig("vit_base_patch16_224"));
    const { decoderEmbedDim, decoderDepth, decoderNumHeads } = config;
    expect([decoderEmbedDim, decoderDepth, decoderNumHeads]).toEqual([512, 8, 16]);
    expect(keptTokens(config)).toBe(49);
  });

  test.each([
    [96, [64, 2, 2]],
    [97, [96, 2, 3]],
    [192, [96, 2, 3]],
    [193, [256, 4, 8]],
    [384, [256, 4, 8]],
    [385, [512, 8, 16]],
    [1024, [512, 8, 16]],
  ])("an encoder of width %i gets a decoder of %j", (embedDim, decoder) => {
    const config = maeConfig({ ...ENCODER, embedDim });
    expect([config.decoderEmbedDim, config.decoderDepth, config.decoderNumHeads]).toEqual(decoder);
    expect([config.maskRatio, config.normPixLoss, config.encoder.positions]).toEqual([
      0.75,
      true,
      "sincos-mae",
    ]);
  });

  test.each([0, 1, 75])("refuses a mask ratio of %f", (maskRatio) => {
    expect(() => maeConfig(ENCODER, { maskRatio })).toThrow(`maskRatio must be in (0, 1); got ${maskRatio}`);
  });

  test("refuses to hide everything", () => {
    expect(() => maeConfig(ENCODER, { maskRatio: 0.99 })).toThrow(
      "maskRatio 0.99 of 16 patches leaves no patch visible",
    );
    expect(() => maeConfig(ENCODER, { maskRatio: 1e-17 })).toThrow(
      "maskRatio 1e-17 of 16 patches removes no patch",
    );
  });
});

describe("mae", () => {
  const on = withDevice();
  const stepOf = (step: number) => Tensor.from(on.device, [step], [], "u32");
  const noiseOf = (batch: number, step: number, seed = 1, config = CONFIG) =>
    maskingNoise(config, batch, { seed, step: stepOf(step) });
  const normal = (shape: number[], seed: number) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return Tensor.from(on.device, new Random(seed, "test").fillNormal(new Float32Array(size)), shape);
  };
  const pictures = (batch: number, seed = 1) => normal([batch, 16, 16, 3], seed);

  test.each([0.1, 0.5, 0.75, 0.9])(
    "with ratio %f masks exactly its share of every picture",
    async (maskRatio) => {
      const config = { ...CONFIG, maskRatio };
      const keep = keptTokens(config);
      expect(keep).toBe(Math.floor(PATCHES * (1 - maskRatio)));
      const masking = randomMasking(noiseOf(20, 3), keep);
      const [mask, kept] = [await masking.mask.read(), await masking.idsKeep.read()];
      for (let b = 0; b < 20; b++) {
        const ofPicture = [...mask.subarray(b * PATCHES, (b + 1) * PATCHES)];
        expect(ofPicture.filter((value) => value === 1).length).toBe(PATCHES - keep);
        const visible = ofPicture.flatMap((value, patch) => (value === 0 ? [patch] : []));
        expect([...kept.subarray(b * keep, (b + 1) * keep)].sort((p, q) => p - q)).toEqual(visible);
      }
    },
  );

  test("masks every patch about as often, and no two pictures alike", async () => {
    const batch = 400;
    const { mask } = randomMasking(noiseOf(batch, 0), keptTokens(CONFIG));
    const values = await mask.read();
    const rows = Array.from({ length: batch }, (_, b) => values.subarray(b * PATCHES, (b + 1) * PATCHES));
    for (let patch = 0; patch < PATCHES; patch++) {
      const share = rows.filter((row) => row[patch] === 1).length / batch;
      expect(Math.abs(share - 0.75)).toBeLessThan(4.5 * Math.sqrt((0.75 * 0.25) / batch));
    }
    expect(new Set(rows.map((row) => row.join(""))).size).toBeGreaterThan(300); // of 1820 possible masks
  });

  test("draws another mask for another step or seed, the same bits for the same", async () => {
    const params = modelOf(on.device, CONFIG);
    const images = pictures(3);
    const bitsAt = async (step: number, seed: number) => {
      const { loss, pred, masking } = mae(params, CONFIG, images, noiseOf(3, step, seed));
      const floats = [loss, pred, masking.mask].map((tensor) => tensor.read());
      return (await Promise.all(floats)).map(({ buffer }) => new Uint32Array(buffer));
    };
    const first = await bitsAt(8, 1);
    expect(await bitsAt(8, 1)).toEqual(first);
    expect((await bitsAt(9, 1))[2]).not.toEqual(first[2]);
    expect((await bitsAt(8, 2))[2]).not.toEqual(first[2]);
  });

  test("predicts every patch", () => {
    const { loss, pred } = mae(modelOf(on.device, CONFIG), CONFIG, pictures(2), noiseOf(2, 0));
    expect(loss.shape).toEqual([]);
    expect(pred.shape).toEqual([2, PATCHES, PIXELS]);
  });

  test("the loss looks at removed patches alone", async () => {
    const images = pictures(2);
    const masking = randomMasking(noiseOf(2, 4), keptTokens(CONFIG));
    const mask = await masking.mask.read();
    const pred = await normal([2, PATCHES, PIXELS], 5).read();
    const lossAfter = async (chosen: number) => {
      const changed = pred.map((value, i) => (mask[Math.floor(i / PIXELS)] === chosen ? value + 10 : value));
      const tensor = Tensor.from(on.device, changed, [2, PATCHES, PIXELS]);
      return forwardLoss(CONFIG, images, tensor, masking).item();
    };
    const loss = await lossAfter(-1);
    expect(await lossAfter(0)).toBe(loss);
    expect(await lossAfter(1)).toBeGreaterThan(loss + 50);
  });

  test("pixels of visible patches do not change the loss of a given prediction", async () => {
    const masking = randomMasking(noiseOf(1, 4), keptTokens(CONFIG));
    const mask = await masking.mask.read();
    const pred = normal([1, PATCHES, PIXELS], 5);
    const pixels = await pictures(1).read();
    const lossAfter = (chosen: number) => {
      const changed = pixels.map((value, i) => {
        const [row, column] = [Math.floor(i / 48), Math.floor((i % 48) / 3)];
        const patch = Math.floor(row / 4) * 4 + Math.floor(column / 4);
        return mask[patch] === chosen ? value * value : value;
      });
      const images = Tensor.from(on.device, changed, [1, 16, 16, 3]);
      return forwardLoss({ ...CONFIG, normPixLoss: false }, images, pred, masking).item();
    };
    const loss = await lossAfter(-1);
    expect(await lossAfter(0)).toBe(loss);
    expect(await lossAfter(1)).not.toBe(loss);
  });

  test("removed pixels do not reach the prediction", async () => {
    const params = modelOf(on.device, CONFIG);
    const noise = noiseOf(1, 4);
    const images = pictures(1);
    const { pred, masking } = mae(params, CONFIG, images, noise);
    const mask = await masking.mask.read();
    const changed = (await images.read()).map((value, i) => {
      const patch = Math.floor(i / 192) * 4 + Math.floor((i % 48) / 12);
      return mask[patch] === 1 ? -value : value;
    });
    const other = mae(params, CONFIG, Tensor.from(on.device, changed, images.shape), noise);
    expect(await other.pred.read()).toEqual(await pred.read());
    expect(await other.loss.item()).not.toBe(await mae(params, CONFIG, images, noise).loss.item());
  });

  test("predicting nothing costs (n - 1) / n of a normalised patch", async () => {
    const masking = randomMasking(noiseOf(4, 0), keptTokens(CONFIG));
    const nothing = Tensor.zeros(on.device, [4, PATCHES, PIXELS]);
    const images = creaturePictures(on.device, 4, 16).images;
    const loss = await forwardLoss(CONFIG, pictures(4), nothing, masking).item();
    expect(loss).toBeCloseTo((PIXELS - 1) / PIXELS, 5);
    expect(await forwardLoss(CONFIG, images, nothing, masking).item()).toBeLessThan(loss + 1e-5);
  });

  test("targets have mean 0 and unbiased variance 1 in every patch", async () => {
    const values = await targets(CONFIG, pictures(2)).read();
    for (let start = 0; start < values.length; start += PIXELS) {
      const patch = [...values.subarray(start, start + PIXELS)];
      const mean = patch.reduce((sum, v) => sum + v, 0) / PIXELS;
      const variance = patch.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (PIXELS - 1);
      expect(mean).toBeCloseTo(0, 5);
      expect(variance).toBeCloseTo(1, 4);
    }
  });

  test("learns to complete four creatures under one mask", async () => {
    const params = modelOf(on.device, CONFIG);
    const { images } = creaturePictures(on.device, 4, 16);
    const noise = await noiseOf(4, 0).read();
    const fixed = Tensor.from(on.device, noise, [4, PATCHES]);
    const lossOf = () => mae(params, CONFIG, images, fixed).loss;
    const losses = await overfit(params, lossOf, { steps: 200, lr: 3e-3, enough: 0.15 });
    expect(losses[0]).toBeGreaterThan(0.9);
    expect(losses.at(-1)).toBeLessThan(0.15); // 0.05 after 200 steps
  });
});
