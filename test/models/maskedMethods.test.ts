// BEiT, data2vec and CAE: what is known of them in closed form, and whether they learn.

import { describe, expect, test } from "vitest";
import type { Device } from "../../src/engine/gpu/device.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { square, sub } from "../../src/engine/ops/elementwise.ts";
import { mean } from "../../src/engine/ops/mean.ts";
import { Random } from "../../src/engine/random.ts";
import { withMaskSizes } from "../../src/models/batchMasks.ts";
import { beitModule } from "../../src/models/beit.ts";
import { caeModule } from "../../src/models/cae.ts";
import { contextTargets, data2vecModule } from "../../src/models/data2vec.ts";
import { beitInit, caeInit } from "../../src/models/init.ts";
import type { Method, MethodModule, Moving } from "../../src/models/method.ts";
import { relativeIndex } from "../../src/models/relativePositions.ts";
import { defaultsOf } from "../../src/models/settings.ts";
import { gridOf, type VitConfig, vitConfig } from "../../src/models/vit.ts";
import { withDevice } from "../withDevice.ts";
import { creaturePictures, networksOf, overfit, stepOf } from "./learning.ts";

const TINY: VitConfig = {
  ...vitConfig("vit_micro_patch4_32"),
  imageSize: 16,
  embedDim: 32,
  depth: 2,
  numHeads: 4,
};

function made<C extends object>(
  module: MethodModule<C>,
  { encoder = TINY, batchSize = 4, ...changes }: Partial<C> & { encoder?: VitConfig; batchSize?: number },
): Method {
  const config = { ...defaultsOf(module.settings), dropPath: 0, minBlock: 2, ...changes } as C;
  return module.make({ encoder, batchSize, classes: 0 }, config);
}

const noise = (device: Device, shape: readonly number[]) =>
  Tensor.from(
    device,
    new Random(5, "test").fillNormal(new Float32Array(shape.reduce((size, n) => size * n, 1))),
    shape,
  );

describe("relativeIndex", () => {
  test("on 14 x 14 has 732 rows, the last three for the class token", () => {
    const index = relativeIndex(14);
    expect([index[0], index[1], index[197]]).toEqual([731, 729, 730]);
    expect(index[1 * 197 + 1]).toBe(13 * 27 + 13); // a patch and itself
    expect(index[196 * 197 + 1]).toBe(728); // the last patch asks the first: Δ = (13, 13)
    expect(index[1 * 197 + 196]).toBe(0);
    expect(new Set(index).size).toBe(732);
  });
});

describe("first values", () => {
  const deviation = (values: Float32Array) =>
    Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

  test("BEiT's are normals cut at one deviation: .0108 for .02, less by √(2 layer) where blocks add", () => {
    const init = beitInit(1);
    const head = init.linear("lm_head.weight", 200, 200);
    expect(Math.max(...head.map(Math.abs))).toBeLessThanOrEqual(0.02);
    expect(deviation(head)).toBeCloseTo(0.02 * Math.sqrt(0.2911), 4);
    for (const [name, layer] of [
      ["blocks.0.attn.proj.weight", 1],
      ["blocks.11.mlp.fc2.weight", 12],
    ] as const) {
      const expected = (0.02 * Math.sqrt(0.2911)) / Math.sqrt(2 * layer);
      expect(deviation(init.linear(name, 200, 200)) / expected).toBeCloseTo(1, 2);
    }
    expect(deviation(init.linear("blocks.11.mlp.fc1.weight", 200, 200))).toBeCloseTo(0.0108, 4);
  });

  test("CAE's are Xavier for linear layers, nothing less for deep ones; BEiT's for tokens and patches", () => {
    const init = caeInit(1);
    expect(deviation(init.linear("blocks.11.mlp.fc2.weight", 100, 400)) / Math.sqrt(2 / 500)).toBeCloseTo(
      1,
      2,
    );
    expect(deviation(init.token("mask_token", 40_000))).toBeCloseTo(0.0108, 4);
    expect(deviation(init.patch("patch", 200, 200))).toBeCloseTo(0.0108, 4);
  });
});

describe("the methods", () => {
  const on = withDevice();
  const base: VitConfig = { ...vitConfig("vit_base_patch8_32"), depth: 1, mlpRatio: 1 }; // 16 patches of 768 values

  test("BEiT starts at ln K + D .0004 .2911 / 2, which is 9.06 for 8,192 and 768", async () => {
    const method = made(beitModule, { encoder: base, batchSize: 64, maskedPatches: 12 });
    const { record } = method;
    const { loss } = record(
      stepOf(on.device, method, networksOf(on.device, method), [noise(on.device, [64, 32, 32, 3])]),
    );
    const expected = Math.log(8192) + (768 * 0.0004 * 0.2911) / 2;
    expect(Math.abs((await loss.item()) - expected)).toBeLessThan(0.04); // 768 rows: .011 is one deviation
  });

  test("CAE starts at ln K + D / (K + D), which is 6.84 for 512 and 768, and with a distance of about 2", async () => {
    const changes = {
      encoder: base,
      batchSize: 64,
      maskedPatches: 8,
      regressorDepth: 1,
      decoderDepth: 1,
      tokens: 512,
    };
    const method = made(caeModule, changes);
    const step = stepOf(on.device, method, networksOf(on.device, method), [
      noise(on.device, [64, 32, 32, 3]),
    ]);
    const { loss, metrics } = method.record(step);
    const distance = await metrics!.alignment!.item();
    const entropy = (await loss.item()) - 2 * distance;
    expect(Math.abs(entropy - (Math.log(512) + 768 / (512 + 768)))).toBeLessThan(0.15); // .05 is one deviation
    expect(distance).toBeGreaterThan(1);
    expect(distance).toBeLessThan(3);
  });

  test.each([
    ["BEiT", () => made(beitModule, { tokens: 16, maskedPatches: 6 }), 0.3],
    ["data2vec", () => made(data2vecModule, { maskedPatches: 9, layerScale: 0.1 }), 0.1],
    ["CAE", () => made(caeModule, { tokens: 16, maskedPatches: 8, regressorDepth: 1, decoderDepth: 1 }), 0.5],
  ])("%s overfits one batch", async (_, make, enough) => {
    const method = make();
    const networks = networksOf(on.device, method);
    const { images } = creaturePictures(on.device, 4, 16);
    const step = stepOf(on.device, method, networks, [images]);
    const lossOf = () => method.record(step).loss;
    const losses = await overfit(Object.values(networks)[0]!, lossOf, { steps: 300, lr: 3e-3, enough });
    expect(losses.at(-1)).toBeLessThan(enough);
    expect(losses[0]!).toBeGreaterThan(2 * enough);
  });

  test("beside fixed positions data2vec's first targets still tell pictures apart", async () => {
    const method = made(data2vecModule, { maskedPatches: 9, layerScale: 0.1, relativePositions: false });
    const { teacher } = networksOf(on.device, method);
    const { images } = creaturePictures(on.device, 16, 16);
    const { targets } = contextTargets(teacher!, method.encoder.config, images, 1); // of mean 0 and deviation 1
    const away = square(sub(targets, mean(targets, 0, true)));
    const share = await mean(away).item();
    expect(share).toBeGreaterThan(0.3); // by place alone: 0.01 with BEiT's first values
  });

  test("0 stands for a share of the grid, which on 8 x 8 is what small runs always had", () => {
    const moment = { seed: 3, step: 2, epoch: 0, stepsPerEpoch: 5, totalSteps: 9 };
    const small = <C extends object>(module: MethodModule<C>, model: string, changes: object = {}) => {
      const config = { ...defaultsOf(module.settings), ...module.recipes.small.config, ...changes };
      const { order } = module.make({ encoder: vitConfig(model), batchSize: 2, classes: 0 }, config).moving;
      return (order as Moving).at(moment);
    };
    const asEver = { minBlock: 5, maskedPatches: 26 };
    const model = "vit_micro_patch4_32";
    expect(small(beitModule, model)).toEqual(small(beitModule, model, asEver));
    expect(small(data2vecModule, model)).toEqual(
      small(data2vecModule, model, { ...asEver, maskedPatches: 39 }),
    );
    expect(small(caeModule, model)).toEqual(small(caeModule, model, { ...asEver, maskedPatches: 32 }));
    for (const other of ["vit_micro_patch16_32", "vit_micro_patch8_32", "vit_micro_patch8_96"]) {
      for (const module of [beitModule, data2vecModule, caeModule]) {
        expect(small(module as MethodModule<object>, other)).toHaveLength(2 * gridOf(vitConfig(other)) ** 2);
      }
    }
    const sizes = [0.4, 0.6, 0.5].map((share) =>
      withMaskSizes(vitConfig("vit_micro_patch8_32"), { maskedPatches: 0, minBlock: 0 }, share),
    );
    expect(sizes).toEqual([7, 10, 8].map((maskedPatches) => ({ maskedPatches, minBlock: 1 })));
  });

  test("settings that do not fit the grid are refused in one sentence", () => {
    expect(() => made(beitModule, { maskedPatches: 75 })).toThrow(
      "beit: --masked-patches must be from 1 to below the 16 patches of a picture; got 75. BEiT hides 40 %, 6 of them",
    );
    expect(() => made(caeModule, { maskedPatches: 8, minBlock: 16 })).toThrow(
      "cae: --min-block must be at most 9, since a block leaves room in a grid of 4 x 4 patches; got 16",
    );
    expect(() => made(data2vecModule, { maskedPatches: 9, targetBlocks: 3 })).toThrow(
      "data2vec: --target-blocks must be at most the 2 of the encoder; got 3",
    );
  });

  test("masks are data of the step: up to so many hidden, exactly so many in CAE, weights that add up to 1", () => {
    const moment = { seed: 4, step: 7, epoch: 0, stepsPerEpoch: 1, totalSteps: 10 };
    const whole = (method: Method, name: string, at = moment) =>
      Array.from(method.moving[name as never]!.at(at) as Uint32Array);
    const method = made(beitModule, { maskedPatches: 6, batchSize: 64 });
    const [mask, order, weights] = ["mask", "order", "weights"].map((name) => whole(method, name)) as [
      number[],
      number[],
      number[],
    ];
    const hidden = mask.reduce((a, b) => a + b);
    expect(hidden).toBeLessThanOrEqual(64 * 6);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    for (let b = 0; b < 64; b++) {
      const own = order.slice(b * 16, (b + 1) * 16);
      expect([...own].sort((p, q) => p - q)).toEqual(Array.from({ length: 16 }, (_, i) => i));
      for (let i = 0; i < 6; i++) {
        expect(weights[b * 6 + i]! > 0).toBe(mask[b * 16 + own[i]!] === 1);
      }
    }
    expect(whole(method, "order", { ...moment, step: 8 })).not.toEqual(order);
    const fewer = made(beitModule, { maskedPatches: 6, batchSize: 8 });
    expect(whole(fewer, "order")).toEqual(order.slice(0, 8 * 16)); // the place in the batch decides, not its size
  });
});
