// What probes read behind an encoder: the heads of methods, as a study measures them.

import { describe, expect, test } from "vitest";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { slice } from "../../src/engine/ops/slice.ts";
import { Random } from "../../src/engine/random.ts";
import type { Method, Projection } from "../../src/models/method.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { anyVit } from "../../src/models/relativeVit.ts";
import { defaultsOf } from "../../src/models/settings.ts";
import { PROJECTIONS } from "../../src/study/claims.ts";
import { PROBES } from "../../src/study/probes.ts";
import { readAll, vitEncoder } from "../../src/study/readouts.ts";
import type { Target } from "../../src/study/targets.ts";
import { moduleOf } from "../../src/train/run.ts";
import { TINY } from "../parity/model.ts";
import { withDevice } from "../withDevice.ts";

const SMALL = {
  prototypes: 12,
  hiddenDim: 8,
  bottleneckDim: 6,
  dim: 7,
  localSize: 8,
  maskedPatches: 2,
  minBlock: 1,
};

function made(name: MethodName): Method {
  const { settings, make } = moduleOf(name);
  const changes = Object.entries(SMALL).filter(([key]) => Object.hasOwn(settings, key));
  const config = { ...defaultsOf(settings), ...Object.fromEntries(changes) };
  return make({ encoder: TINY, batchSize: 4, classes: 4 }, config);
}

const DIMS: Partial<Record<MethodName, Record<string, number>>> = {
  "moco-v3": { projector: 7 },
  dino: { bottleneck: 6, prototypes: 12 },
  ibot: { bottleneck: 6, prototypes: 12 },
  cae: { regressor: TINY.embedDim },
};

test("methods have the projections that claims name, and the others none", () => {
  const names = Object.keys(METHODS) as MethodName[];
  const dims = names.map((name) => [
    name,
    Object.fromEntries(Object.entries(made(name).projections ?? {}).map(([key, { dim }]) => [key, dim])),
  ]);
  expect(Object.fromEntries(dims)).toEqual({
    ...Object.fromEntries(names.map((name) => [name, {}])),
    ...DIMS,
  });
  for (const [name, projection] of Object.entries(PROJECTIONS)) {
    expect(Object.keys(DIMS[name as MethodName]!), name).toContain(projection);
  }
});

/** A head takes a patch as it takes the class token; the regressor's picture is the mean of its patches. */
async function expectPatches({ dim, of, ofPatches }: Projection, params: Parameters, tokens: Tensor) {
  const patches = tokens.shape[1]! - 1;
  const map = ofPatches(params, tokens);
  expect(map.shape).toEqual([1, patches, dim]);
  const values = await map.read();
  if (params.has("mask_token")) {
    const whole = await of(params, tokens).read();
    const mean = (i: number) =>
      Array.from({ length: patches }, (_, patch) => values[patch * dim + i]!).reduce((a, b) => a + b) /
      patches;
    for (const [i, value] of whole.entries()) expect(mean(i)).toBeCloseTo(value, 5);
    return;
  }
  const last = await of(params, slice(tokens, 1, patches, patches + 1)).read();
  for (const [i, value] of last.entries()) expect(values[(patches - 1) * dim + i]!).toBeCloseTo(value, 5);
}

describe("a projection", () => {
  const on = withDevice();
  const { imageSize: side } = TINY;
  const pixels = new Random(3, "test").fillNormal(new Float32Array(3 * side * side * 3));

  test.each(Object.keys(DIMS) as MethodName[])(
    "of %s has its width, and says of a picture the same whatever is beside it",
    async (name) => {
      const { encoder, projections, networks } = made(name);
      const params = new Parameters(on.device, networks(0)[encoder.network]!, { gradients: false });
      const images = Tensor.from(on.device, pixels, [3, side, side, 3]);
      const { tokens } = anyVit(params, encoder.config, images);
      const alone = anyVit(params, encoder.config, slice(images, 0, 1, 2)).tokens;
      for (const [key, { dim, of, ofPatches }] of Object.entries(projections!)) {
        const together = of(params, tokens);
        expect(together.shape, key).toEqual([3, dim]);
        const [all, own] = [await together.read(), await of(params, alone).read()];
        const second = all.slice(dim, 2 * dim);
        for (const [i, value] of own.entries()) expect(second[i]!).toBeCloseTo(value, 5);
        expect(second).not.toEqual(all.slice(0, dim)); // the pictures differ
        await expectPatches({ dim, of, ofPatches }, params, alone);
      }
      params.dispose();
    },
  );

  test("prototypes are the bottleneck's products with rows of length one", async () => {
    const { encoder, projections, networks } = made("dino");
    const specs = networks(0)[encoder.network]!;
    const params = new Parameters(on.device, specs, { gradients: false });
    const images = Tensor.from(on.device, pixels, [3, side, side, 3]);
    const { tokens } = anyVit(params, encoder.config, images);
    const z = await projections!.bottleneck!.of(params, tokens).read();
    const logits = await projections!.prototypes!.of(params, tokens).read();
    const rows = specs.find(({ name }) => name === "head.last_layer.weight_v")!.values;
    for (const [at, logit] of logits.entries()) {
      const [picture, k] = [Math.floor(at / 12), at % 12];
      const row = [...rows.slice(6 * k, 6 * k + 6)];
      const expected = row.reduce((sum, w, i) => sum + w * z[6 * picture + i]!, 0) / Math.hypot(...row);
      expect(logit).toBeCloseTo(expected, 5);
    }
    params.dispose();
  });

  test("is a reading of the study, beside class token and mean", async () => {
    const { encoder, projections, networks } = made("moco-v3");
    const params = new Parameters(on.device, networks(0)[encoder.network]!, { gradients: false });
    const random = new Random(5, "test");
    const bytes = Uint8Array.from({ length: 8 * side * side * 3 }, () => random.below(256));
    const items = {
      ...{ name: "toy", width: side, height: side, count: 8, classes: ["a", "b"], pixels: bytes },
      labels: Int32Array.from({ length: 8 }, (_, i) => i % 2),
    };
    const target: Target = {
      name: "parts",
      probe: items,
      test: { ...items, pictures: Int32Array.of(0, 0, 0, 1, 1, 2, 2, 2) },
    };
    const found = await readAll(
      on.device,
      vitEncoder(params, encoder.config, projections),
      [target],
      { probes: PROBES, neighbours: 1, linearEpochs: 1, attentiveEpochs: 1 },
      0,
    );
    expect(found.map(({ reading, probe }) => `${reading} ${probe}`)).toEqual(
      ["cls", "mean", "projector"]
        .flatMap((reading) => ["k-NN", "linear", "retrieval"].map((probe) => `${reading} ${probe}`))
        .concat("tokens attentive"),
    );
    for (const { pictures, score, probe } of found) {
      expect(pictures.items).toEqual([3, 2, 3]);
      expect(pictures.sums.reduce((sum, value) => sum + value, 0) / 8).toBeCloseTo(score, 12);
      if (probe === "k-NN") expect(score).toBe(1); // each picture is its own nearest
    }
    params.dispose();
  });
});
