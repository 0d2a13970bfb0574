import { expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { IMAGENET_STATISTICS } from "../../src/data/images.ts";
import type { Picture } from "../../src/data/resize.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { extractFeatures, vitFeatures } from "../../src/eval/features.ts";
import { linearProbe } from "../../src/eval/probes/linearProbe.ts";
import { encodedRows, keptRows } from "../../src/eval/rows.ts";
import { timmInit } from "../../src/models/init.ts";
import { vitSpecs } from "../../src/models/vit.ts";
import { TINY } from "../parity/model.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const options = { seed: 1, epochs: 3, batchSize: 10 };
const pictures = creatures({ count: 30, size: TINY.imageSize });

/** An encoder, and what of it both ways of making rows are told. */
const encoder = () => {
  const params = new Parameters(on.device, vitSpecs(TINY, timmInit(1)), { gradients: false });
  return {
    encode: vitFeatures(params, TINY, "mean"),
    statistics: IMAGENET_STATISTICS,
    imageSize: TINY.imageSize,
  };
};

test("rows made anew for each batch train the head that kept ones do, to the bit, however many at a time", async () => {
  const { encode, ...how } = encoder();
  const features = await extractFeatures(on.device, encode, pictures, how);
  const kept = await linearProbe(on.device, features, features, options);
  for (const batchSize of [1, 4, 64]) {
    const rows = encodedRows("rows", encode, pictures, { ...how, dim: TINY.embedDim, batchSize });
    expect(await linearProbe(on.device, rows, rows, options)).toEqual(kept);
  }
});

test("an epoch may see other views: those of the epoch and picture that it asks for, and the test none", async () => {
  const { encode, ...how } = encoder();
  const seen: string[] = [];
  const view = (picture: Picture, index: number, epoch: number): Picture => {
    seen.push(`${epoch} ${index}`);
    return { ...picture, pixels: picture.pixels.map((v) => 255 - v) };
  };
  const rows = encodedRows("rows", encode, pictures, { ...how, dim: TINY.embedDim, view });
  const plain = encodedRows("rows", encode, pictures, { ...how, dim: TINY.embedDim });
  const found = await linearProbe(on.device, rows, plain, options);
  expect(seen.length).toBe(3 * 30);
  expect(new Set(seen)).toEqual(
    new Set([0, 1, 2].flatMap((e) => Array.from({ length: 30 }, (_, i) => `${e} ${i}`))),
  );
  expect(found.losses).not.toEqual((await linearProbe(on.device, plain, plain, options)).losses);
});

test("what does not fit is refused in one sentence", async () => {
  const { encode, ...how } = encoder();
  const rows = encodedRows("rows", encode, pictures, { ...how, dim: 5 });
  await expect(linearProbe(on.device, rows, rows, options)).rejects.toThrow(
    `rows: encode must give 5 features of a picture; got ${TINY.embedDim}`,
  );
  expect(() => keptRows("rows", [])).toThrow("rows: needs features; got no view");
  const { labels, ...rest } = pictures;
  const unlabelled = { ...rest, labels: labels.map(() => -1) };
  expect(() => encodedRows("rows", encode, unlabelled, { ...how, dim: 5 })).toThrow(/Is the set labelled/);
});
