import { describe, expect, test } from "vitest";
import type { ParameterSpec } from "../../src/engine/graph/parameters.ts";
import { classifierSpecs } from "../../src/models/classifier.ts";
import { deitInit, maeInit, mocoInit, timmInit } from "../../src/models/init.ts";
import { decoderSpecs, maeConfig } from "../../src/models/mae.ts";
import { sincosPositions } from "../../src/models/positions.ts";
import { headSpecs, vitConfig, vitSpecs } from "../../src/models/vit.ts";

/** What a parameter starts as. */
type Start =
  | { all: number }
  | { normal: number }
  /** Between -limit and limit. */
  | { uniform: number }
  | { equal: Float32Array };

const [WIDTH, INPUTS, INNER] = [96, 3 * 8 * 8, 64];
const encoder = vitConfig("vit_micro_patch8_32", { layerScale: 0.1 });
const xavier = (inputs: number, outputs: number): Start => ({ uniform: Math.sqrt(6 / (inputs + outputs)) });
const torchConv: Start = { uniform: 1 / Math.sqrt(INPUTS) };

/** The mean of f of all values. */
const meanOf = (values: Float32Array, f: (value: number) => number): number =>
  values.reduce((sum, value) => sum + f(value), 0) / values.length;

/** Mean, deviation and fourth moment are the distribution's, each within five standard errors of its estimate. */
function checkSpread(
  name: string,
  values: Float32Array,
  std: number,
  moments: [fourth: number, eighth: number],
) {
  const [fourth, eighth] = moments; // of the standardised distribution
  const error = 5 / Math.sqrt(values.length);
  expect(Math.abs(meanOf(values, (v) => v / std)), `${name}: mean`).toBeLessThan(error);
  const square = meanOf(values, (v) => (v / std) ** 2);
  expect(Math.abs(square - 1), `${name}: variance`).toBeLessThan(error * Math.sqrt(fourth - 1));
  const kurtosis = meanOf(values, (v) => (v / std) ** 4);
  expect(Math.abs(kurtosis - fourth), `${name}: kurtosis`).toBeLessThan(
    error * Math.sqrt(eighth - fourth ** 2),
  );
}

function checkStart({ name, values }: ParameterSpec, start: Start): void {
  if ("all" in start) expect(new Set(values), name).toEqual(new Set([Math.fround(start.all)]));
  else if ("equal" in start) expect(values, name).toEqual(start.equal);
  else if ("normal" in start) checkSpread(name, values, start.normal, [3, 105]);
  else {
    expect(Math.max(...values.map(Math.abs)), name).toBeLessThanOrEqual(Math.fround(start.uniform));
    checkSpread(name, values, start.uniform / Math.sqrt(3), [9 / 5, 9]);
  }
}

/** Starts by the ends of names; the first that fits. */
type Starts = [end: string, start: Start][];

/** The same in all: norms, biases of linear layers, layer scale. */
const common: Starts = [
  ["gamma", { all: 0.1 }],
  ["norm.weight", { all: 1 }],
  ["norm1.weight", { all: 1 }],
  ["norm2.weight", { all: 1 }],
  ["bias", { all: 0 }],
];

const methods: [name: string, specs: (seed: number) => ParameterSpec[], starts: Starts][] = [
  [
    "MAE's models_mae.py",
    (seed) => {
      const config = maeConfig(encoder);
      const init = maeInit(seed);
      return [...vitSpecs(config.encoder, init), ...decoderSpecs(config, init)];
    },
    [
      ["decoder_pos_embed", { equal: sincosPositions(4, INNER, "mae") }],
      ["pos_embed", { equal: sincosPositions(4, WIDTH, "mae") }],
      ["cls_token", { normal: 0.02 }],
      ["mask_token", { normal: 0.02 }],
      ["patch_embed.proj.weight", xavier(INPUTS, WIDTH)],
      ["patch_embed.proj.bias", torchConv],
      ["decoder_embed.weight", xavier(WIDTH, INNER)],
      ["decoder_pred.weight", xavier(INNER, INPUTS)],
      ...[INNER, WIDTH].flatMap((width): Starts => {
        const blocks = width === INNER ? "decoder_blocks.#." : "blocks.#.";
        return [
          [`${blocks}attn.qkv.weight`, xavier(width, 3 * width)],
          [`${blocks}attn.proj.weight`, xavier(width, width)],
          [`${blocks}mlp.fc1.weight`, xavier(width, 4 * width)],
          [`${blocks}mlp.fc2.weight`, xavier(4 * width, width)],
        ];
      }),
      ...common,
    ],
  ],
  [
    "timm's vision_transformer.py",
    (seed) => [...vitSpecs(encoder, timmInit(seed)), ...headSpecs(WIDTH, 10, timmInit(seed))],
    [
      ["cls_token", { normal: 1e-6 }],
      ["pos_embed", { normal: 0.02 }],
      ["patch_embed.proj.weight", torchConv],
      ["patch_embed.proj.bias", torchConv],
      ["head.weight", { normal: 0.01 }],
      ...["qkv", "attn.proj", "fc1", "fc2"].map((layer): Starts[0] => [`${layer}.weight`, { normal: 0.02 }]),
      ...common,
    ],
  ],
  [
    "DeiT's models.py",
    (seed) => {
      const config = { meanPool: false, layerDecay: 1 };
      return classifierSpecs({ ...encoder, distToken: true }, 10, deitInit(seed), config);
    },
    [
      ...["cls_token", "dist_token", "pos_embed"].map((name): Starts[0] => [name, { normal: 0.02 }]),
      ["patch_embed.proj.weight", torchConv],
      ["patch_embed.proj.bias", torchConv],
      ...["head", "head_dist", "qkv", "attn.proj", "fc1", "fc2"].map((layer): Starts[0] => [
        `${layer}.weight`,
        { normal: 0.02 },
      ]),
      ...common,
    ],
  ],
  [
    "MoCo v3's vits.py",
    (seed) => vitSpecs({ ...encoder, positions: "sincos-moco" }, mocoInit(seed)),
    [
      ["cls_token", { normal: 1e-6 }],
      ["pos_embed", { equal: sincosPositions(4, WIDTH, "moco") }],
      ["patch_embed.proj.weight", xavier(INPUTS, WIDTH)],
      ["patch_embed.proj.bias", { all: 0 }],
      ["attn.qkv.weight", xavier(WIDTH, WIDTH)],
      ["attn.proj.weight", xavier(WIDTH, WIDTH)],
      ["mlp.fc1.weight", xavier(WIDTH, 4 * WIDTH)],
      ["mlp.fc2.weight", xavier(4 * WIDTH, WIDTH)],
      ...common,
    ],
  ],
];

describe.each(methods)("first values are those of %s", (_, specs, starts) => {
  test("of every parameter, by name", () => {
    const used = new Set<string>();
    for (const spec of specs(3)) {
      const name = spec.name.replace(/\d+/, "#");
      const [end, start] = starts.find(([end]) => name.endsWith(end)) ?? [];
      if (end === undefined || start === undefined)
        throw new Error(`${spec.name}: no row says what it starts as`);
      used.add(end);
      checkStart(spec, start);
    }
    expect(starts.map(([end]) => end).filter((end) => !used.has(end))).toEqual([]);
  });

  test("each parameter has a stream of its own, which its name and the seed decide", () => {
    /** The beginning of what is drawn, as shares of the first value, so that no scale hides that two are the same. */
    const beginnings = (seed: number): string[] =>
      specs(seed)
        .filter(({ values }) => new Set(values.subarray(1, 8)).size > 4)
        .map(({ values }) => [...values.subarray(1, 5)].map((v) => (v / values[0]!).toPrecision(4)).join());
    const [three, four] = [beginnings(3), beginnings(4)];
    expect(new Set(three).size).toBe(three.length);
    expect(three.filter((row) => four.includes(row)).length).toBe(0);
    expect(three.length).toBeGreaterThan(16);
    expect(beginnings(3)).toEqual(three);
  });
});
