// What a person looks at: where the class token looks, and which patches have like features.

import { describe, expect, test } from "vitest";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";
import { attentionEncoder, classAttention, holdingShare } from "../../src/eval/maps/attentionMaps.ts";
import { pcaMaps, principalComponents } from "../../src/eval/maps/pcaMaps.ts";
import { normal, timmInit } from "../../src/models/init.ts";
import { relativeIndex } from "../../src/models/relativePositions.ts";
import { anyVit } from "../../src/models/relativeVit.ts";
import { embedPatches, prependClassToken, type VitConfig, vitSpecs } from "../../src/models/vit.ts";
import { testRandom } from "../array64.ts";
import { expectValues } from "../expectValues.ts";
import { TINY } from "../parity/model.ts";
import { withDevice } from "../withDevice.ts";

/** The last block's class row by the definition, in float64. x [tokens, D] is what enters the block. */
function attention64(
  { embedDim: width, numHeads, depth, positions, imageSize, patchSize }: VitConfig,
  values: ReadonlyMap<string, Float32Array>,
  x: Float32Array,
): number[] {
  const get = (name: string) => values.get(`blocks.${depth - 1}.${name}`)!;
  const tokens = x.length / width;
  const size = width / numHeads;
  const rows = Array.from({ length: tokens }, (_, t) => {
    const row = [...x.slice(t * width, (t + 1) * width)];
    const mean = row.reduce((a, b) => a + b) / width;
    const std = Math.sqrt(row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / width + 1e-6);
    return row.map((v, i) => ((v - mean) / std) * get("norm1.weight")[i]! + get("norm1.bias")[i]!);
  });
  const project = (row: readonly number[], output: number): number =>
    row.reduce(
      (sum, v, i) => sum + v * get("attn.qkv.weight")[output * width + i]!,
      get("attn.qkv.bias")[output]!,
    );
  const index = positions === "relative" ? relativeIndex(imageSize / patchSize) : null;
  const table = values.get("rel_pos_bias.relative_position_bias_table");
  return Array.from({ length: numHeads }, (_, head) => {
    const scores = rows.map((row, t) => {
      let product = 0;
      for (let i = head * size; i < (head + 1) * size; i++)
        product += project(rows[0]!, i) * project(row, width + i);
      return product / Math.sqrt(size) + (index ? table![index[t]! * numHeads + head]! : 0);
    });
    const exps = scores.map((score) => Math.exp(score - Math.max(...scores)));
    const total = exps.reduce((a, b) => a + b);
    return exps.map((e) => e / total);
  }).flat();
}

describe("attention maps", () => {
  const on = withDevice();
  const { imageSize: side, patchSize, numHeads } = TINY;
  const grid = side / patchSize;
  const pixels = new Random(3, "test").fillNormal(new Float32Array(2 * side * side * 3));

  test.each([
    ["two blocks", TINY],
    ["one block", { ...TINY, depth: 1 }],
    ["a distillation token", { ...TINY, distToken: true }],
    ["relative positions", { ...TINY, positions: "relative" }],
  ] satisfies [string, VitConfig][])(
    "of %s are the class token's row of the last block",
    async (_, config) => {
      const init = timmInit(3);
      const specs = vitSpecs(config, init).map((spec) =>
        // larger than at the start, so that heads look somewhere
        /qkv|norm1|bias_table/.test(spec.name)
          ? { ...spec, values: normal(init.random(spec.name), spec.values.length, 0.5) }
          : spec,
      );
      const params = new Parameters(on.device, specs, { gradients: false });
      const images = Tensor.from(on.device, pixels, [2, side, side, 3]);
      const found = (await classAttention(params, config, images).read()) as Float32Array;
      const entering =
        config.depth > 1
          ? anyVit(params, config, images).blocks[config.depth - 2]!
          : prependClassToken(params, embedPatches(params, config, images));
      const x = (await entering.read()) as Float32Array;
      const named = new Map(
        [...(await params.read(params.values))].map(([name, { values }]) => [name, values]),
      );
      const wanted = [0, 1].flatMap((i) =>
        attention64(config, named, x.slice((i * x.length) / 2, ((i + 1) * x.length) / 2)),
      );
      expectValues("attention", found, wanted);
      const tokens = found.length / 2 / numHeads;
      for (let row = 0; row < 2 * numHeads; row++) {
        const sum = found.slice(row * tokens, (row + 1) * tokens).reduce((a, b) => a + b);
        expect(sum).toBeCloseTo(1, 6);
      }
      const { attention } = attentionEncoder(params, config).encode(images);
      expect(attention.shape).toEqual([2, grid, grid, numHeads]);
      const maps = await attention.read();
      const first = config.distToken ? 2 : 1;
      for (let patch = 0; patch < grid * grid; patch++) {
        for (let head = 0; head < numHeads; head++) {
          const from = (numHeads + head) * tokens + first + patch; // of the second picture
          expect(maps[(grid * grid + patch) * numHeads + head]).toBe(found[from]);
        }
      }
      params.dispose();
    },
  );

  test("the fewest patches that hold a share of the sum, the first of equal ones", () => {
    const map = [0.1, 0.3, 0.2, 0.3, 0.1];
    expect([...holdingShare(map, 0.3)]).toEqual([0, 1, 0, 0, 0]);
    expect([...holdingShare(map, 0.61)]).toEqual([0, 1, 1, 1, 0]);
    expect([...holdingShare(map, 1)]).toEqual([1, 1, 1, 1, 1]);
    expect(() => holdingShare(map, 0)).toThrow("above 0 and at most 1; got 0");
  });
});

describe("principal components", () => {
  const random = testRandom(4);
  /** Rows about `offset` that vary along orthogonal axes by as much as `deviations` say. */
  function planted(
    axes: readonly (readonly number[])[],
    deviations: readonly number[],
    offset: number,
    count = 4000,
  ) {
    const dim = axes[0]!.length;
    const values = new Float32Array(count * dim).fill(offset);
    for (let row = 0; row < count; row++) {
      for (const [k, axis] of axes.entries()) {
        const score = deviations[k]! * Math.sqrt(12) * (random() - 0.5);
        for (let i = 0; i < dim; i++) values[row * dim + i]! += score * axis[i]!;
      }
    }
    return { values, dim };
  }
  const half = Math.SQRT1_2;
  const axes = [
    [0.6, 0, -0.8, 0, 0],
    [0, half, 0, half, 0],
    [0, 0, 0, 0, 1],
  ];

  test("are the planted axes, of the planted variances, with their largest entry positive", () => {
    const { components, variances, mean } = principalComponents(planted(axes, [3, 2, 1], 5), 3);
    const signs = [-1, 1, 1];
    for (const [k, axis] of axes.entries()) {
      for (const [i, value] of axis.entries()) expect(components[k]![i]!).toBeCloseTo(signs[k]! * value, 1);
      expect(variances[k]! / [9, 4, 1][k]!).toBeCloseTo(1, 1);
    }
    for (const value of mean) expect(value).toBeCloseTo(5, 0);
  });

  test("are eigenvectors of the covariance, orthogonal and of length 1, close ones too", () => {
    const rows = planted(axes, [1, 0.99, 0.98], -2, 300);
    const { components, variances, mean } = principalComponents(rows, 3);
    const { values, dim } = rows;
    for (const [k, v] of components.entries()) {
      const image = new Float64Array(dim);
      for (let row = 0; row < 300; row++) {
        const x = Array.from({ length: dim }, (_, i) => values[row * dim + i]! - mean[i]!);
        const score = x.reduce((sum, value, i) => sum + value * v[i]!, 0);
        for (let i = 0; i < dim; i++) image[i]! += (x[i]! * score) / 300;
      }
      for (const [i, value] of image.entries()) expect(value).toBeCloseTo(variances[k]! * v[i]!, 9);
      for (const [j, w] of components.entries()) {
        const product = v.reduce((sum, value, i) => sum + value * w[i]!, 0);
        expect(product).toBeCloseTo(j === k ? 1 : 0, 9);
      }
    }
    expect(variances).toEqual([...variances].sort((a, b) => b - a));
  });

  test("that rows do not have are zeros, and rows that are not finite are refused", () => {
    const { components, variances } = principalComponents(planted(axes.slice(0, 1), [1], 0, 50), 3);
    expect(variances.slice(1)).toEqual([0, 0]);
    expect([...components[1]!, ...components[2]!]).toEqual(new Array(10).fill(0));
    const broken = { values: Float32Array.of(1, Number.NaN), dim: 1 };
    expect(() => principalComponents(broken, 1)).toThrow("every feature must be finite");
  });

  test("as colours go from the lowest place of all pictures to the highest", () => {
    const grid = { count: 2, rows: 1, columns: 2 };
    const values = Float32Array.of(0, 7, 10, 7, 40, 7, 20, 7);
    expect([...pcaMaps({ values, dim: 2, ...grid })]).toEqual(
      [0, 64, 255, 128].flatMap((red) => [red, 128, 128]),
    );
  });
});
