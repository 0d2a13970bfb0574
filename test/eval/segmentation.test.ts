import { describe, expect, test } from "vitest";
import { IMAGENET_STATISTICS } from "../../src/data/images.ts";
import { IGNORED, type PixelSet } from "../../src/data/pixelSet.ts";
import { NonFiniteLossError } from "../../src/engine/graph/guard.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { blocksRead, blockTokens, patchPixels } from "../../src/eval/segmentation/blockTokens.ts";
import { segmentationHead, segmentationLogits } from "../../src/eval/segmentation/head.ts";
import { windowLogits, windowStarts } from "../../src/eval/segmentation/predict.ts";
import {
  decaysBias,
  type SegmentationOptions,
  segmentationSettings,
} from "../../src/eval/segmentation/recipe.ts";
import { linearSegmentation } from "../../src/eval/segmentation/segmentation.ts";
import { timmInit } from "../../src/models/init.ts";
import { anyVit } from "../../src/models/relativeVit.ts";
import { vitConfig, vitSpecs } from "../../src/models/vit.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";
import { PATCH, stripes } from "./stripes.ts";

const options: SegmentationOptions = {
  ...{ seed: 1, updates: 60, rate: 0.02, batchSize: 8 },
  statistics: IMAGENET_STATISTICS,
};

describe("linearSegmentation", () => {
  const on = withDevice();
  const encoder = patchPixels(PATCH);
  const train = stripes({ count: 24, seed: 1 });
  const held = stripes({ count: 12, seed: 2 });
  const run = (more: Partial<SegmentationOptions> = {}, test = held, from = train) =>
    linearSegmentation(on.device, encoder, from, test, { ...options, ...more });

  test("a planted perfect feature gives 1, and the stages are told", async () => {
    const stages = new Map<string, number>();
    const result = await run({ onProgress: (stage, done) => stages.set(stage, done) });
    expect(result).toMatchObject({ mIoU: 1, mAcc: 1, aAcc: 1, names: ["red", "green", "blue"] });
    expect(Object.fromEntries(stages)).toEqual({ features: 24, training: 60, test: 12 });
    expect(result.losses.length).toBe(3); // of 20 updates each
    expect(result.losses[2]!).toBeLessThan(result.losses[0]!);
    const counts = (set: PixelSet) => [0, 1, 2].map((c) => set.pixelLabels.filter((l) => l === c).length);
    const favourite = counts(train).indexOf(Math.max(...counts(train)));
    const share = counts(held)[favourite]! / counts(held).reduce((a, b) => a + b);
    expect(result.majority).toMatchObject({ aAcc: share, mIoU: share / 3, mAcc: 1 / 3 });
    expect(result.head.get("conv_seg.weight")!.shape).toEqual([3, 48]);
  });

  test("labels that have nothing to do with the pictures give what guessing gives", async () => {
    const any = (seed: number) => stripes({ count: 24, seed, labels: "any" });
    const { aAcc, mAcc, mIoU } = await run({}, any(4), any(3));
    expect(Math.abs(aAcc - 1 / 3)).toBeLessThan(0.03); // 4.6 deviations of 5,500 pixels
    expect(Math.abs(mAcc - 1 / 3)).toBeLessThan(0.03);
    expect(mIoU).toBeLessThan(0.22); // 1/5 by guessing evenly, 1/9 by one class
  });

  test("a seed gives the same bits, another one others; the encoder seen anew gives the same to rounding", async () => {
    const short = { updates: 6 };
    const [first, again, other, live] = [
      await run(short),
      await run(short),
      await run({ ...short, seed: 2 }),
      await run({ ...short, cacheBytes: 0 }),
    ];
    expect(again).toEqual(first);
    expect(other.losses).not.toEqual(first.losses);
    expect(live.losses[0]!).toBeCloseTo(first.losses[0]!, 5);
    expect(live.aAcc).toBe(first.aAcc);
  });

  test("pieces to train on and windows to test with, of pictures larger than either", async () => {
    const large = (seed: number) => stripes({ count: 8, side: 24, seed });
    const short = { crop: 16, stride: 8, updates: 80 };
    const result = await run(short, large(4), large(3));
    expect(result.settings).toMatchObject({ crop: 16, stride: 8 });
    expect(result.aAcc).toBeGreaterThan(0.9);
    expect(await run({ ...short, updates: 4 }, large(4), large(3))).toEqual(
      await run({ ...short, updates: 4 }, large(4), large(3)),
    );
  });

  test("logits of overlapping windows add up", async () => {
    const next = testRandom(9);
    const [height, width] = [12, 16];
    const images = Tensor.from(
      on.device,
      Float32Array.from({ length: 2 * height * width * 3 }, () => 2 * next() - 1),
      [2, height, width, 3],
    );
    const head = segmentationHead(on.device, { dim: 48, classes: 3, seed: 5, decayBias: true });
    const found = await windowLogits(encoder, head, images, { side: 8, stride: 5 }).read();
    const values = await images.read();
    const sums = new Float64Array(2 * height * width * 3);
    for (const top of [0, 4]) {
      for (const left of [0, 5, 8]) {
        const piece = new Float32Array(2 * 8 * 8 * 3);
        const places = Array.from(piece, (_, i) => {
          const [c, x, y, b] = [i % 3, Math.floor(i / 3) % 8, Math.floor(i / 24) % 8, Math.floor(i / 192)];
          return ((b * height + top + y) * width + left + x) * 3 + c;
        });
        places.forEach((from, i) => {
          piece[i] = values[from]!;
        });
        const tokens = encoder.encode(Tensor.from(on.device, piece, [2, 8, 8, 3]));
        const logits = await segmentationLogits(head, tokens, { height: 8, width: 8 }).read();
        places.forEach((to, i) => {
          sums[to]! += logits[i]!; // as many classes as channels
        });
      }
    }
    for (const [i, sum] of sums.entries()) expect(Math.abs(found[i]! - sum)).toBeLessThan(1e-6);
  });

  test("gives the GPU's memory back", async () => {
    const { allocator, counters } = on.device;
    const bytes = async () => {
      await allocator.trim();
      return counters.bytesHeld;
    };
    await run({ updates: 1 });
    const before = await bytes();
    await run({ updates: 1 });
    await run({ updates: 1, cacheBytes: 0 });
    const broken = {
      onProgress() {
        throw new Error("broken caller");
      },
    };
    await expect(run({ updates: 1, ...broken })).rejects.toThrow("broken caller");
    expect(await bytes()).toBe(before);
  });

  test("what cannot be right is refused in one sentence", async () => {
    await expect(run({}, { ...held, pixelClasses: ["a", "b", "c"] })).rejects.toThrow(
      "in their order; got 3 and 3, the first that differs red and a",
    );
    await expect(run({}, { ...held, pixelClasses: [...held.pixelClasses, "gold"] })).rejects.toThrow(
      "got 3 and 4, the first that differs nothing and gold",
    );
    await expect(run({}, { ...held, pixelLabels: held.pixelLabels.map(() => IGNORED) })).rejects.toThrow(
      /some test pixel must have a class of the training pixels; got none/,
    );
    await expect(run({}, stripes({ count: 2, side: 16, seed: 1 }), odd(train))).rejects.toThrow(
      /multiples of its patch size 4; got 15/,
    );
    await expect(run({ crop: 14 })).rejects.toThrow(/multiples of its patch size 4; got 14/);
    await expect(run({ crop: 16 }, odd(held))).rejects.toThrow(/multiples of its patch size 4; got 15/);
    await expect(run({ crop: 16, stride: 17 })).rejects.toThrow(
      /stride of windows must be in \[1, 16\]; got 17/,
    );
    await expect(run({ batchSize: 25 })).rejects.toThrow(/batch size in \[1, 24\]/);
    const wild = run({ rate: 1e30, updates: 4, warmupUpdates: 0 });
    await expect(wild).rejects.toThrow(NonFiniteLossError);
    await expect(wild).rejects.toThrow(/Lower the rate 1e\+30/);
  });

  /** The same pictures without their last row and column. */
  function odd(set: PixelSet): PixelSet {
    const { count } = set;
    return {
      ...set,
      ...{ width: 15, height: 15 },
      pixels: set.pixels.subarray(0, count * 675),
      pixelLabels: set.pixelLabels.subarray(0, count * 225),
    };
  }
});

describe("what the encoder gives", () => {
  const on = withDevice();

  test("blocks at a third, half, two thirds and all of the depth", () => {
    expect([12, 24, 6, 5, 4, 3, 2, 1].map(blocksRead)).toEqual([
      [3, 5, 7, 11],
      [7, 11, 15, 23],
      [1, 2, 3, 5],
      [0, 1, 3, 4],
      [0, 1, 2, 3],
      [0, 1, 2],
      [0, 1],
      [0],
    ]);
  });

  test("tokens of those blocks before the final norm, without class tokens, on their grid", async () => {
    const config = vitConfig("vit_micro_patch4_8");
    const params = new Parameters(on.device, vitSpecs(config, timmInit(1)), { gradients: false });
    const next = testRandom(4);
    const values = Float32Array.from({ length: 2 * 8 * 12 * 3 }, () => 2 * next() - 1);
    const images = Tensor.from(on.device, values, [2, 8, 12, 3]);
    const { dim, encode } = blockTokens(params, config);
    const tokens = encode(images);
    expect([dim, ...tokens.shape]).toEqual([4 * 96, 2, 2, 3, 4 * 96]);
    const [found, { blocks }] = [await tokens.read(), anyVit(params, config, images)];
    for (const [k, block] of blocks.entries()) {
      const given = await block.read();
      for (let b = 0; b < 2; b++) {
        for (let n = 0; n < 6; n++) {
          const at = ((b * 6 + n) * 4 + k) * 96;
          const from = (b * 7 + 1 + n) * 96;
          expect(found.slice(at, at + 96)).toEqual(given.slice(from, from + 96));
        }
      }
    }
  });
});

test("windows end with the picture", () => {
  expect(windowStarts(16, 16, 10)).toEqual([0]);
  expect(windowStarts(17, 16, 10)).toEqual([0, 1]);
  expect(windowStarts(26, 16, 10)).toEqual([0, 10]);
  expect(windowStarts(512, 512, 341)).toEqual([0]);
  expect(windowStarts(683, 512, 341)).toEqual([0, 171]);
  expect(windowStarts(1200, 512, 341)).toEqual([0, 341, 682, 688]);
});

test("recipes are the paper's and a small one, and single numbers replace theirs", () => {
  const paper = segmentationSettings(20_000, {
    ...options,
    recipe: "paper",
    updates: undefined,
    rate: undefined,
  });
  expect(paper).toEqual({
    ...{ updates: 160_000, warmupUpdates: 1500, batchSize: 8, rate: 4e-4, weightDecay: 0.05 },
    ...{ crop: 512, stride: 341, seed: 1, decayBias: true },
  });
  expect(segmentationSettings(5, { seed: 0, statistics: IMAGENET_STATISTICS })).toMatchObject({
    ...{ batchSize: 5, crop: null, stride: null },
  });
  const tenth = { recipe: "paper", updates: 16_000 } as const;
  expect(segmentationSettings(99, { ...options, ...tenth })).toMatchObject({ warmupUpdates: 150 });
  expect(["mae", "cae", "beit", "dino", "moco-v3", "supervised"].filter(decaysBias)).toEqual([
    "dino",
    "moco-v3",
    "supervised",
  ]);
});
