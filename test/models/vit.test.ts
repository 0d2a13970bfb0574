import { describe, expect, test } from "vitest";
import type { Device } from "../../src/engine/gpu/device.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import { Random } from "../../src/engine/random.ts";
import { type Initializer, timmInit } from "../../src/models/init.ts";
import {
  classify,
  embedPatches,
  headSpecs,
  type VitConfig,
  vit,
  vitConfig,
  vitSpecs,
} from "../../src/models/vit.ts";
import { expectClose } from "../checkOp.ts";
import { VALUE } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";
import { creaturePictures, overfit } from "./learning.ts";

/** Values nobody reads: for counting the parameters of large models. */
const nothing: Initializer = {
  random: (name) => new Random(0, "init", name.length),
  linear: () => new Float32Array(),
  token: () => new Float32Array(),
  positions: () => new Float32Array(),
  patch: () => new Float32Array(),
  patchBias: () => new Float32Array(),
};

function countOf(config: VitConfig, prefix = ""): number {
  const inside = vitSpecs(config, nothing).filter(({ name }) => name.startsWith(prefix));
  return inside.reduce((sum, { shape }) => sum + shape.reduce((size, n) => size * n, 1), 0);
}

const TINY: VitConfig = {
  ...vitConfig("vit_micro_patch4_32"),
  imageSize: 16,
  embedDim: 32,
  depth: 2,
  numHeads: 4,
};

const modelOf = (device: Device, config: VitConfig, classes = 10): Parameters => {
  const init = timmInit(3);
  return new Parameters(device, [...vitSpecs(config, init), ...headSpecs(config.embedDim, classes, init)]);
};

describe("the published models have their number of parameters", () => {
  test.each([
    ["vit_small_patch16_224", 21_665_664, 1_774_464],
    ["vit_base_patch16_224", 85_798_656, 7_087_872],
  ])("%s: %i, each block %i", (name, all, block) => {
    const config = vitConfig(name);
    expect(countOf(config)).toBe(all);
    for (let i = 0; i < config.depth; i++) expect(countOf(config, `blocks.${i}.`)).toBe(block);
    const { depth, embedDim } = config;
    expect(countOf({ ...config, layerScale: 1e-5 })).toBe(all + 2 * depth * embedDim);
  });
});

describe("vitConfig", () => {
  test("reads timm's names", () => {
    const { imageSize, patchSize, embedDim, depth, numHeads, mlpRatio } = vitConfig("vit_large_patch14_196");
    expect([imageSize, patchSize, embedDim, depth, numHeads, mlpRatio]).toEqual([196, 14, 1024, 24, 16, 4]);
    expect(vitConfig("vit_tiny_patch16_224", { dropPath: 0.1 }).dropPath).toBe(0.1);
  });

  test.each([
    ["micro", 96, 4, 3],
    ["mini", 192, 6, 3],
    ["tiny", 192, 12, 3],
    ["small", 384, 12, 6],
    ["base", 768, 12, 12],
    ["large", 1024, 24, 16],
  ])("%s: width %i, %i blocks, %i heads", (size, embedDim, depth, numHeads) => {
    const config = vitConfig(`vit_${size}_patch16_224`);
    expect(config).toEqual({
      ...{ imageSize: 224, patchSize: 16, embedDim, depth, numHeads, mlpRatio: 4, positions: "learned" },
    });
  });

  test.each(["vit_small", "vit_huge_patch16_224", "resnet50", "", "vit_small_patch16_224 "])(
    "refuses %j and shows how a name reads",
    (name) => {
      expect(() => vitConfig(name)).toThrow(
        `model: a name reads vit_{micro|mini|tiny|small|base|large}_patch{P}_{SIZE}, as vit_small_patch16_224; got "${name}"`,
      );
    },
  );

  test("refuses a picture that patches do not divide", () => {
    expect(() => vitConfig("vit_small_patch16_225")).toThrow(
      "the picture size must be a multiple of the patch size; got 225 and 16",
    );
  });
});

describe("vit", () => {
  const on = withDevice();
  const pictures = (batch: number, height: number, width: number, seed = 1) => {
    const shape = [batch, height, width, 3];
    const values = new Random(seed, "test").fillNormal(new Float32Array(batch * height * width * 3));
    return Tensor.from(on.device, values, shape);
  };

  test("gives the tokens of every block and a class token in front", () => {
    const { tokens, blocks } = vit(modelOf(on.device, TINY), TINY, pictures(3, 16, 16));
    expect(tokens.shape).toEqual([3, 17, 32]);
    expect(blocks.map(({ shape }) => shape)).toEqual([
      [3, 17, 32],
      [3, 17, 32],
    ]);
    expect(classify(modelOf(on.device, TINY, 7), tokens).shape).toEqual([3, 7]);
  });

  test.each([
    [24, 24, 37],
    [8, 16, 9],
    [20, 12, 16],
  ])("takes pictures of %i x %i", async (height, width, tokens) => {
    const output = vit(modelOf(on.device, TINY), TINY, pictures(2, height, width));
    expect(output.tokens.shape).toEqual([2, tokens, 32]);
    expect((await output.tokens.read()).every(Number.isFinite)).toBe(true);
  });

  test("treats the pictures of a batch alone", async () => {
    const params = modelOf(on.device, TINY);
    const both = pictures(2, 16, 16);
    const second = both.alias([1, 16, 16, 3], both.bytes / 2);
    const together = (await vit(params, TINY, both).tokens.read()) as Float32Array;
    const alone = (await vit(params, TINY, second).tokens.read()) as Float32Array;
    expect(together.subarray(17 * 32)).toEqual(alone);
  });

  test("with fixed positions none are trained", () => {
    const fixed = modelOf(on.device, { ...TINY, positions: "sincos-moco" });
    const learned = modelOf(on.device, TINY);
    expect(learned.count("trained")).toBe(learned.count());
    expect(fixed.count() - fixed.count("trained")).toBe(17 * 32);
  });

  test("drops paths in training alone, others at each step", async () => {
    const config = { ...TINY, dropPath: 0.5 };
    const params = modelOf(on.device, config);
    const images = pictures(8, 16, 16);
    const tokensAt = async (step?: number) => {
      const training =
        step === undefined ? undefined : { seed: 5, step: Tensor.from(on.device, [step], [], "u32") };
      return vit(params, config, images, training).tokens.read();
    };
    const plain = await vit(params, TINY, images).tokens.read();
    expect(await tokensAt()).toEqual(plain);
    const first = await tokensAt(0);
    expect(first).not.toEqual(plain);
    expect(await tokensAt(0)).toEqual(first);
    expect(await tokensAt(1)).not.toEqual(first);
  });

  test("the only block of a network drops nothing: torch.linspace(0, rate, 1) is 0", async () => {
    const config = { ...TINY, depth: 1, dropPath: 0.9 };
    const params = modelOf(on.device, config);
    const images = pictures(8, 16, 16);
    const training = { seed: 5, step: Tensor.from(on.device, [0], [], "u32") };
    const plain = await vit(params, config, images).tokens.read();
    expect(await vit(params, config, images, training).tokens.read()).toEqual(plain);
  });

  test("positions of a picture that is not square follow its rows and its columns", async () => {
    const params = modelOf(on.device, TINY);
    for (const name of ["weight", "bias"]) {
      const part = params.get(`patch_embed.proj.${name}`);
      part.write(new Float32Array(part.size)); // what is left of a token is its position
    }
    /** Tokens [rows, columns] of an 8 x 16 picture; the first value of each. */
    const tokensFor = async (position: (row: number, column: number) => number) => {
      const values = Float32Array.from({ length: 17 * 32 }, (_, i) => {
        const patch = Math.floor(i / 32) - 1;
        return patch < 0 ? 99 : position(Math.floor(patch / 4), patch % 4);
      });
      params.get("pos_embed").write(values);
      const tokens = await embedPatches(params, TINY, pictures(1, 8, 16)).read();
      return Array.from({ length: 2 * 4 }, (_, i) => tokens[i * 32]!);
    };
    const byRow = await tokensFor((row) => row);
    expect(byRow.slice(0, 4)).toEqual(new Array(4).fill(byRow[0]));
    expect(byRow.slice(4)).toEqual(new Array(4).fill(byRow[4]));
    expect(byRow[4]! - byRow[0]!).toBeGreaterThan(1.5); // two of the four rows apart, and bicubic
    const byColumn = await tokensFor((_, column) => column);
    expect(byColumn).toEqual([0, 1, 2, 3, 0, 1, 2, 3].map((column) => expect.closeTo(column, 5)));
  });

  test("layer scale multiplies each branch by its own gamma: the same as scaled last layers", async () => {
    const scaled = modelOf(on.device, { ...TINY, layerScale: 1 });
    const plain = modelOf(on.device, TINY);
    const random = new Random(8, "test");
    for (let i = 0; i < TINY.depth; i++) {
      for (const [gamma, layer] of [
        ["ls1", "attn.proj"],
        ["ls2", "mlp.fc2"],
      ]) {
        const factors = random.fillUniform(new Float32Array(32), -2, 2);
        scaled.get(`blocks.${i}.${gamma}.gamma`).write(factors);
        for (const part of ["weight", "bias"]) {
          const tensor = plain.get(`blocks.${i}.${layer}.${part}`);
          const columns = tensor.size / 32;
          tensor.write((await tensor.read()).map((v, at) => v * factors[Math.floor(at / columns)]!));
        }
      }
    }
    const images = pictures(2, 16, 16);
    const [found, wanted] = await Promise.all([
      vit(scaled, { ...TINY, layerScale: 1 }, images).tokens.read(),
      vit(plain, TINY, images).tokens.read(),
    ]);
    expectClose("tokens", found, wanted, VALUE);
  });

  test("layer scale of 0 leaves the tokens as they came in", async () => {
    const config = { ...TINY, layerScale: 0 };
    const { blocks } = vit(modelOf(on.device, config), config, pictures(1, 16, 16));
    expect(await blocks[0]!.read()).toEqual(await blocks[1]!.read());
  });

  test("learns eight creatures by heart", async () => {
    const params = modelOf(on.device, TINY);
    const { images, labels } = creaturePictures(on.device, 8, 16);
    const lossOf = () => crossEntropy(classify(params, vit(params, TINY, images).tokens), labels);
    const losses = await overfit(params, lossOf, { steps: 80, lr: 1e-2, enough: 0.01 });
    expect(losses[0]).toBeCloseTo(Math.log(10), 0);
    expect(losses.at(-1)).toBeLessThan(0.01);
  });
});
