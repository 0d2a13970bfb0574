import { describe, expect, test } from "vitest";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { classifierLogits, classifierSpecs, layerOf } from "../../src/models/classifier.ts";
import { timmInit } from "../../src/models/init.ts";
import { headLogits, vit, vitSpecs } from "../../src/models/vit.ts";
import { testRandom } from "../array64.ts";
import { TINY } from "../parity/model.ts";
import { VALUE } from "../tolerances.ts";
import { withDevice } from "../withDevice.ts";

const specsOf = (meanPool: boolean, layerDecay: number) =>
  classifierSpecs(TINY, 3, timmInit(1), { meanPool, layerDecay });

describe("layer-wise rate decay", () => {
  test("counts layers from the patches to the head", () => {
    const layers = Object.entries({
      ...{ cls_token: 0, pos_embed: 0, "patch_embed.proj.weight": 0, "blocks.0.norm1.weight": 1 },
      ...{ "blocks.11.mlp.fc2.bias": 12, "norm.weight": 13, "fc_norm.bias": 13, "head.weight": 13 },
      "rel_pos_bias.relative_position_bias_table": 13,
    });
    for (const [name, layer] of layers) expect(layerOf(name, 12), name).toBe(layer);
  });

  test("gives a layer decay ^ (layers above it)", () => {
    const scale = new Map(specsOf(true, 0.65).map(({ name, rateScale }) => [name, rateScale]));
    expect(TINY.depth).toBe(2);
    expect(scale.get("head.weight")).toBe(1);
    expect(scale.get("fc_norm.weight")).toBe(1);
    expect(scale.get("blocks.1.attn.qkv.weight")).toBe(0.65);
    expect(scale.get("blocks.0.attn.qkv.weight")).toBeCloseTo(0.65 ** 2, 15);
    expect(scale.get("pos_embed")).toBeCloseTo(0.65 ** 3, 15);
  });

  test("without it the network is what it was: an encoder and a head, at one rate", () => {
    const specs = specsOf(false, 1);
    const names = [...vitSpecs(TINY, timmInit(1)).map(({ name }) => name), "head.weight", "head.bias"];
    expect(specs.map(({ name }) => name)).toEqual(names);
    expect(new Set(specs.map(({ rateScale }) => rateScale))).toEqual(new Set([1]));
    const undecayed = specs.filter(({ decay }) => decay === false).map(({ name }) => name);
    expect(undecayed).toEqual(["cls_token", "pos_embed"]);
  });
});

describe("the mean of the patches", () => {
  const on = withDevice();

  test("is read before the final norm, which rests, and through one of the head's own", async () => {
    const specs = specsOf(true, 1);
    const still = specs.filter(({ trained }) => trained === false).map(({ name }) => name);
    expect(still).toEqual(["norm.weight", "norm.bias"]);
    const first = specs.find(({ name }) => name === "head.weight")!.values;
    const deviation = Math.sqrt(first.reduce((sum, v) => sum + v * v, 0) / first.length);
    expect(Math.abs(deviation / 2e-5 - 1)).toBeLessThan(5 / Math.sqrt(2 * first.length));

    const params = new Parameters(on.device, specs, { gradients: false });
    const next = testRandom(1);
    const drawn = (size: number) => Float32Array.from({ length: size }, () => next() - 0.5);
    for (const name of ["fc_norm.weight", "fc_norm.bias", "head.weight", "head.bias"]) {
      params.get(name).write(drawn(params.get(name).size));
    }
    const side = TINY.imageSize;
    const output = vit(params, TINY, Tensor.from(on.device, drawn(2 * side * side * 3), [2, side, side, 3]));
    const logits = await classifierLogits(params, TINY, output, { meanPool: true }).read();
    const of = async (name: string) => [...(await params.get(name).read())];
    const [gain, shift, weight, bias] = [
      await of("fc_norm.weight"),
      await of("fc_norm.bias"),
      await of("head.weight"),
      await of("head.bias"),
    ];
    const last = await output.blocks.at(-1)!.read();
    const width = TINY.embedDim;
    for (let picture = 0; picture < 2; picture++) {
      const pooled = Array.from({ length: width }, (_, d) => {
        let sum = 0;
        for (let t = 1; t < 17; t++) sum += last[(picture * 17 + t) * width + d]!;
        return sum / 16;
      });
      const center = pooled.reduce((a, b) => a + b) / width;
      const spread = Math.sqrt(pooled.reduce((sum, v) => sum + (v - center) ** 2, 0) / width + 1e-6);
      for (let k = 0; k < 3; k++) {
        let wanted = bias[k]!;
        for (let d = 0; d < width; d++) {
          wanted += (((pooled[d]! - center) / spread) * gain[d]! + shift[d]!) * weight[k * width + d]!;
        }
        expect(Math.abs(logits[picture * 3 + k]! - wanted)).toBeLessThan(VALUE * 10);
      }
    }
    const own = await classifierLogits(params, TINY, output, { meanPool: false }).read();
    expect(own).toEqual(await headLogits(params, "head", output.tokens).read());
    params.dispose();
  });
});
