import { expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { IMAGENET_STATISTICS, toLevels } from "../../src/data/images.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";
import { reconstruct } from "../../src/eval/reconstruct.ts";
import { maeInit } from "../../src/models/init.ts";
import {
  completedPictures,
  decoderSpecs,
  type MaeConfig,
  mae,
  maeConfig,
  targets,
} from "../../src/models/mae.ts";
import { vitConfig, vitSpecs } from "../../src/models/vit.ts";
import { grayPatches } from "../../src/pictures/fillPatches.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const COUNT = 3;
const SIDE = 16;
const PATCH = 4;
const GRID = SIDE / PATCH;
const pixels = creatures({ count: COUNT, size: SIDE }).pixels;
const encoder = { ...vitConfig("vit_micro_patch4_32"), imageSize: SIDE, embedDim: 32, depth: 1, numHeads: 2 };

/** Pictures, the creatures when not told, normalised, on the device. */
function images(bytes = pixels): Tensor {
  const { mean, std } = IMAGENET_STATISTICS;
  const values = Float32Array.from(bytes, (byte, i) => (byte / 255 - mean[i % 3]!) / std[i % 3]!);
  return Tensor.from(on.device, values, [COUNT, SIDE, SIDE, 3]);
}

const noise = (): Tensor =>
  Tensor.from(on.device, new Random(5, "test").fillUniform(new Float32Array(COUNT * GRID ** 2)), [
    COUNT,
    GRID ** 2,
  ]);

/** The patch that a byte of a picture belongs to, counted through all pictures. */
function patchAt(byte: number): number {
  const pixel = Math.floor(byte / 3);
  const picture = Math.floor(pixel / SIDE ** 2);
  const [y, x] = [Math.floor((pixel % SIDE ** 2) / SIDE), pixel % SIDE];
  return picture * GRID ** 2 + Math.floor(y / PATCH) * GRID + Math.floor(x / PATCH);
}

const masks = [1, 0, 1].flatMap((all) => Array.from({ length: GRID ** 2 }, (_, i) => (all ? 1 : i % 2)));

/** The bytes of `bytes` with their own targets as prediction. */
async function perfected(bytes: Uint8Array, mask: readonly number[], normPixLoss: boolean) {
  const config = maeConfig(encoder, { normPixLoss });
  const input = images(bytes);
  const hidden = Tensor.from(on.device, mask, [COUNT, GRID ** 2]);
  return toLevels(await completedPictures(config, input, targets(config, input), hidden).read());
}

test.each([true, false])("a perfect prediction gives the original back, norm-pix %s", async (normPixLoss) => {
  expect([...(await perfected(pixels, masks, normPixLoss))]).toEqual([...pixels]);
});

test("hidden patches are middle gray, the others as they are", async () => {
  const hidden = Tensor.from(on.device, masks, [COUNT, GRID ** 2]);
  const gray = toLevels(await grayPatches(images(), hidden, PATCH).read());
  expect([...gray]).toEqual([...pixels].map((byte, i) => (masks[patchAt(i)] ? 128 : byte)));
});

test("a nearly even patch comes back with its own spread, not with that of what is added to it", async () => {
  const even = pixels.map((_, i) => [124, 116, 104][i % 3]! + (Math.floor(i / 3) % 2)); // near 0 when normalised
  const all = masks.map(() => 1);
  expect([...(await perfected(even, all, true))]).toEqual([...even]);
});

test("only removed patches are the model's, and they are what it predicts", async () => {
  const config: MaeConfig = maeConfig(encoder, { normPixLoss: false });
  const params = new Parameters(
    on.device,
    [...vitSpecs(config.encoder, maeInit(3)), ...decoderSpecs(config, maeInit(3))],
    { gradients: false },
  );
  const input = images();
  const result = await reconstruct(on.device, params, config, input, noise());
  const expected = mae(params, config, input, noise());
  const mask = await expected.masking.mask.read();
  const pred = await expected.pred.read();
  expect([...mask].filter((removed) => removed === 1)).toHaveLength(COUNT * GRID ** 2 * 0.75);

  const { mean, std } = IMAGENET_STATISTICS;
  const wanted = Uint8ClampedArray.from(pixels, (byte, i) => {
    if (!mask[patchAt(i)]) return byte;
    const [y, x] = [Math.floor(i / 3 / SIDE) % PATCH, Math.floor(i / 3) % PATCH];
    const value = pred[patchAt(i) * 3 * PATCH ** 2 + (y * PATCH + x) * 3 + (i % 3)]!;
    return 255 * (value * std[i % 3]! + mean[i % 3]!);
  });
  expect([...result.reconstructed]).toEqual([...wanted]);
  expect([...result.original]).toEqual([...pixels]);
  expect([...result.masked]).toEqual([...pixels].map((byte, i) => (mask[patchAt(i)] ? 128 : byte)));
});
