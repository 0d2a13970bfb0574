import { expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { IMAGENET_STATISTICS } from "../../src/data/images.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { extractFeatures, vitFeatures } from "../../src/eval/features.ts";
import { attentiveProbe } from "../../src/eval/probes/attentiveProbe.ts";
import { tokenEncoder, tokenRows } from "../../src/eval/tokens.ts";
import { timmInit } from "../../src/models/init.ts";
import { vitSpecs } from "../../src/models/vit.ts";
import { TINY } from "../parity/model.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const pictures = creatures({ count: 24, size: TINY.imageSize });
const { statistics, imageSize } = { statistics: IMAGENET_STATISTICS, imageSize: TINY.imageSize };

test("tokens are the class token and those of all patches, after the final norm", async () => {
  const params = new Parameters(on.device, vitSpecs(TINY, timmInit(1)), { gradients: false });
  const encoder = tokenEncoder(params, TINY);
  expect([encoder.dim, encoder.width, encoder.heads]).toEqual([17 * 32, 32, 4]);
  const of = (encode: typeof encoder.encode) =>
    extractFeatures(on.device, encode, pictures, { statistics, imageSize });
  const all = await of(encoder.encode);
  expect(all.dim).toBe(encoder.dim);
  const [cls, mean] = [
    await of(vitFeatures(params, TINY, "cls")),
    await of(vitFeatures(params, TINY, "mean")),
  ];
  for (let row = 0; row < pictures.count; row++) {
    const tokens = all.values.subarray(row * all.dim, (row + 1) * all.dim);
    expect(tokens.subarray(0, 32)).toEqual(cls.values.subarray(row * 32, (row + 1) * 32));
    for (let d = 0; d < 32; d++) {
      let sum = 0;
      for (let t = 1; t < 17; t++) sum += tokens[32 * t + d]!;
      expect(sum / 16).toBeCloseTo(mean.values[row * 32 + d]!, 5);
    }
  }
});

test("tokens that are not kept are made anew, to the same bits of a probe", async () => {
  const params = new Parameters(on.device, vitSpecs(TINY, timmInit(1)), { gradients: false });
  const encoder = tokenEncoder(params, TINY);
  const run = async (keptBytes?: number) => {
    const rows = await tokenRows("tokens", on.device, encoder, pictures, {
      statistics,
      ...(keptBytes !== undefined && { keptBytes }),
    });
    return attentiveProbe(on.device, rows, rows, {
      seed: 1,
      epochs: 2,
      width: encoder.width,
      heads: encoder.heads,
    });
  };
  const kept = await run();
  expect(await run(4 * encoder.dim * 24)).toEqual(kept);
  expect(await run(4 * encoder.dim * 24 - 1)).toEqual(kept);
});
