import { describe, expect, test } from "vitest";
import { IMAGENET_STATISTICS, type ImageSet } from "../../src/data/images.ts";
import { centerCrop, resizeShorterSide } from "../../src/data/resize.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { reshape } from "../../src/engine/ops/reshape.ts";
import { type Encode, fitPicture } from "../../src/eval/encoding.ts";
import { extractFeatures, type Reading, vitFeatures } from "../../src/eval/features.ts";
import { timmInit } from "../../src/models/init.ts";
import { type VitConfig, vit, vitConfig, vitSpecs } from "../../src/models/vit.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";

const CONFIG: VitConfig = {
  ...vitConfig("vit_micro_patch4_32"),
  imageSize: 16,
  embedDim: 24,
  depth: 5,
  numHeads: 3,
};

function pictures(count: number, width: number, height = width): ImageSet {
  const next = testRandom(count * width);
  return {
    name: "noise",
    width,
    height,
    count,
    pixels: Uint8Array.from({ length: count * width * height * 3 }, () => Math.floor(256 * next())),
    labels: Int32Array.from({ length: count }, (_, i) => i % 3),
    classes: ["a", "b", "c"],
  };
}

/** Every value of the normalised picture as a feature. */
const pixels: Encode = (images) => reshape(images, [images.shape[0]!, -1]);

const { mean, std } = IMAGENET_STATISTICS;
const normalised = (bytes: Uint8Array): number[] =>
  [...bytes].map((v, i) => (v / 255 - mean[i % 3]!) / std[i % 3]!);

describe("extractFeatures", () => {
  const on = withDevice();
  const encoder = () => new Parameters(on.device, vitSpecs(CONFIG, timmInit(3)));

  test("the encoder sees (v / 255 - mean) / std, every picture once and in order", async () => {
    const images = pictures(7, 5, 4);
    const done: number[] = [];
    const found = await extractFeatures(on.device, pixels, images, {
      statistics: IMAGENET_STATISTICS,
      batchSize: 3,
      onProgress: (n) => done.push(n),
    });
    const expected = normalised(images.pixels);
    expect(found.dim).toBe(60);
    expect(found.values.length).toBe(expected.length);
    for (const [i, value] of found.values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
    expect([found.labels, found.classes, done]).toEqual([images.labels, 3, [3, 6, 7]]);
  });

  test.each<Reading>(["cls", "mean", "cls+mean", "cls4"])(
    "%s: the batch size changes no bit",
    async (reading) => {
      const images = pictures(11, 16);
      const encode = vitFeatures(encoder(), CONFIG, reading);
      const [whole, ...others] = await Promise.all(
        [11, 4, 1].map((batchSize) =>
          extractFeatures(on.device, encode, images, { statistics: IMAGENET_STATISTICS, batchSize }),
        ),
      );
      for (const other of others) expect(other).toEqual(whole);
    },
  );

  test("readings are the tokens they name", async () => {
    const images = pictures(2, 16);
    const params = encoder();
    const x = Tensor.from(on.device, normalised(images.pixels), [2, 16, 16, 3]);
    const output = vit(params, CONFIG, x);
    const [D, N] = [CONFIG.embedDim, 17];
    const tokens = await output.tokens.read();
    const read = async (reading: Reading) =>
      (
        await extractFeatures(on.device, vitFeatures(params, CONFIG, reading), images, {
          statistics: IMAGENET_STATISTICS,
        })
      ).values;
    const [cls, patches, both, last4] = await Promise.all(
      (["cls", "mean", "cls+mean", "cls4"] as const).map(read),
    );
    for (let b = 0; b < 2; b++) {
      for (let d = 0; d < D; d++) {
        const token = (n: number) => tokens[(b * N + n) * D + d]!;
        const average =
          Array.from({ length: N - 1 }, (_, n) => token(n + 1)).reduce((sum, v) => sum + v, 0) / (N - 1);
        expect(cls![b * D + d]).toBeCloseTo(token(0), 5);
        expect(patches![b * D + d]).toBeCloseTo(average, 5);
        expect([both![b * 2 * D + d], both![b * 2 * D + D + d]]).toEqual([
          cls![b * D + d],
          patches![b * D + d],
        ]);
        expect(last4![b * 4 * D + 3 * D + d]).toBe(cls![b * D + d]); // the last of the four
      }
    }
    expect(last4!.length).toBe(2 * 4 * D);
  });

  test("pictures of another size get the papers' crop, those of the size stay", async () => {
    const images = pictures(3, 40, 30);
    const found = await extractFeatures(on.device, pixels, images, {
      statistics: IMAGENET_STATISTICS,
      imageSize: 16,
    });
    const last = { width: 40, height: 30, pixels: images.pixels.subarray(2 * 3600) };
    const crop = centerCrop(resizeShorterSide(last, 18), 16); // 16 * 256 / 224 = 18.3
    const expected = normalised(crop.pixels);
    for (const [i, value] of found.values.subarray(2 * 768).entries()) {
      expect(value).toBeCloseTo(expected[i]!, 5);
    }
    const same = { width: 16, height: 16, pixels: images.pixels.subarray(0, 768) };
    expect(fitPicture(same, 16)).toBe(same);
  });

  test("refuses what it cannot read", async () => {
    const statistics = IMAGENET_STATISTICS;
    await expect(extractFeatures(on.device, pixels, pictures(0, 4), { statistics })).rejects.toThrow(/got 0/);
    await expect(extractFeatures(on.device, (x) => x, pictures(2, 4), { statistics })).rejects.toThrow(
      /must turn \[2,4,4,3\] into \[2, F\]/,
    );
    const shallow = { ...CONFIG, depth: 2 };
    const params = new Parameters(on.device, vitSpecs(shallow, timmInit(3)));
    await expect(
      extractFeatures(on.device, vitFeatures(params, shallow, "cls4"), pictures(2, 16), { statistics }),
    ).rejects.toThrow(/cls4: needs at least 4 blocks; got 2/);
  });
});
