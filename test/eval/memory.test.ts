import { describe, expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { IMAGENET_STATISTICS } from "../../src/data/images.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { square } from "../../src/engine/ops/elementwise.ts";
import { reshape } from "../../src/engine/ops/reshape.ts";
import type { Encode } from "../../src/eval/encoding.ts";
import { extractFeatures, type Features } from "../../src/eval/features.ts";
import { search, similarTo } from "../../src/eval/maps/patchSearch.ts";
import { attentiveProbe } from "../../src/eval/probes/attentiveProbe.ts";
import { knn } from "../../src/eval/probes/knn.ts";
import { linearProbe } from "../../src/eval/probes/linearProbe.ts";
import { reconstruct } from "../../src/eval/reconstruct.ts";
import { encodedRows, keptRows, type Rows } from "../../src/eval/rows.ts";
import { maeInit } from "../../src/models/init.ts";
import { decoderSpecs, maeConfig } from "../../src/models/mae.ts";
import { vitConfig, vitSpecs } from "../../src/models/vit.ts";
import { withDevice } from "../withDevice.ts";
import { toyFeatures } from "./toyFeatures.ts";

const on = withDevice();
const sets = { dim: 12, classes: 5, spread: 0.5 };
const train = toyFeatures({ ...sets, count: 320, seed: 1 });
const held = toyFeatures({ ...sets, count: 150, seed: 2 });

/** Bytes on the device that something still holds. */
async function bytesHeld(): Promise<number> {
  await on.device.allocator.trim();
  return on.device.counters.bytesHeld;
}

const fail = (message: string) => () => {
  throw new Error(message);
};

/** Features whose rows can neither be cut out nor sent, which is found when the GPU's memory is taken already. */
function broken(features: Features): Features {
  const values = features.values.slice();
  values.subarray = fail("broken rows");
  Object.defineProperty(values, "buffer", { get: fail("broken rows") });
  return { ...features, values };
}

const places = { ...train, count: 40, rows: 2, columns: 4 };
const pictures = creatures({ count: 10, size: 8 });
const rows = (images: Tensor): Tensor => reshape(square(images), [images.shape[0]!, -1]);
const extract = (encode: Encode, onProgress: () => void = () => undefined) =>
  extractFeatures(on.device, encode, pictures, { statistics: IMAGENET_STATISTICS, batchSize: 4, onProgress });

const options = { seed: 1, epochs: 2 };
const attentive = (...pair: [Features, Features]) => {
  const [a, b] = pair.map((features) => keptRows("attentiveProbe", [features])) as [Rows, Rows];
  return attentiveProbe(on.device, a, b, { ...options, width: 4, heads: 1 });
};
const encoded = encodedRows("linearProbe", rows, pictures, {
  ...{ dim: 192, imageSize: 8, statistics: IMAGENET_STATISTICS },
});
const config = maeConfig(vitConfig("vit_micro_patch4_8"));
async function complete(read: "images" | "nothing"): Promise<void> {
  const { device } = on;
  const params = new Parameters(
    device,
    [...vitSpecs(config.encoder, maeInit(1)), ...decoderSpecs(config, maeInit(1))],
    { gradients: false },
  );
  const images = Tensor.from(device, new Float32Array(2 * 8 * 8 * 3), [2, 8, 8, 3]);
  const noise = Tensor.from(device, [1, 2, 3, 4, 4, 3, 2, 1], [2, 4]);
  if (read === "nothing") images.read = fail("broken read");
  try {
    await reconstruct(device, params, config, images, noise);
  } finally {
    params.dispose();
    for (const tensor of [images, noise]) tensor.dispose();
  }
}

type Case = [name: string, action: () => Promise<unknown>, message?: RegExp];

describe("the GPU holds after a probe what it held before", () => {
  const cases: Case[] = [
    ["k-NN", () => knn(on.device, train, held)],
    ["k-NN whose rows break", () => knn(on.device, train, broken(held)), /broken rows/],
    ["a patch search", () => search(on.device, places, [{ picture: 1, row: 1, column: 0 }])],
    ["a heat map", () => similarTo(on.device, places, { picture: 1, row: 1, column: 0 })],
    ["a linear probe", () => linearProbe(on.device, train, held, options)],
    ["a linear probe of two views", () => linearProbe(on.device, [train, train], held, options)],
    [
      "a linear probe that diverges",
      () => linearProbe(on.device, train, held, { ...options, baseRate: 1e37, warmupEpochs: 0 }),
      /Lower the base rate/,
    ],
    [
      "a linear probe whose caller breaks",
      () => linearProbe(on.device, train, held, { ...options, onEpoch: fail("broken caller") }),
      /broken caller/,
    ],
    [
      "a linear probe whose test rows break",
      () => linearProbe(on.device, train, broken(held), options),
      /broken rows/,
    ],
    ["an attentive probe", () => attentive(train, held)],
    ["an attentive probe whose test rows break", () => attentive(train, broken(held)), /broken rows/],
    ["rows that the encoder makes anew", () => linearProbe(on.device, encoded, encoded, options)],
    ["features", () => extract(rows)],
    ["features whose caller breaks", () => extract(rows, fail("broken caller")), /broken caller/],
    ["features of the wrong shape", () => extract(square), /must turn/],
    ["features of an encoder that breaks", () => extract(fail("broken encoder")), /broken encoder/],
    ["completed pictures", () => complete("images")],
    ["completed pictures that are not read", () => complete("nothing"), /broken read/],
  ];
  test.each(cases)("%s", async (_, action, message) => {
    const run = () => (message ? expect(action()).rejects.toThrow(message) : action());
    await run(); // what a device makes once and keeps, constants and pipelines, is there by then
    const before = await bytesHeld();
    await run();
    expect((await bytesHeld()) - before).toBe(0);
  });
});
