import { expect, test } from "vitest";
import { toFloat32, toHalf, writeSafetensors } from "../../src/data/safetensors.ts";
import { fill } from "../../src/engine/graph/fill.ts";
import type { Parameters } from "../../src/engine/graph/parameters.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { gridOf } from "../../src/models/vit.ts";
import { savedEncoder } from "../../src/train/checkpoint.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { encodeEncoder, openSaved } from "../../src/train/encoderFile.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { pictures, smallRun } from "./methodRuns.ts";
import { openBytes, savedBytes, sourceOf } from "./savedFile.ts";

const on = withDevice();

const valuesOf = async (params: Parameters): Promise<Record<string, number[]>> =>
  Object.fromEntries(
    [...(await params.read(params.values))].map(([name, { values }]) => [name, [...values]]),
  );

/** The names of parameters that probes and projections have no use for. */
const LOSS_ONLY: Partial<Record<MethodName, RegExp>> = {
  "moco-v3": /^predictor\./,
  beit: /^(mask_token|lm_head\.|tokenizer\.)/,
  data2vec: /^(mask_token|lm_head\.)/,
  cae: /^(pretext_neck\.(decoder_blocks|norm2|head)\.|tokenizer\.)/,
};

const rounded = (values: readonly number[]): number[] => {
  const data = Uint16Array.from(values, toHalf);
  return [...toFloat32({ dtype: "F16", shape: [values.length], data })];
};

test("probes may read the moving average of a run that keeps one, and are told where there is none", async () => {
  const images = await DeviceImages.upload(on.device, pictures);
  const trainer = new Trainer(on.device, smallRun("supervised"), images);
  trainer.networks.ema!.get("norm.weight").write(new Float32Array(32).fill(0.25));
  const saved = await openBytes(await savedBytes(trainer));
  const [weights, average] = [false, true].map((is) => savedEncoder(on.device, saved, { average: is }));
  expect((await valuesOf((await average!).params))["norm.weight"]).toEqual(Array(32).fill(0.25));
  expect((await valuesOf((await weights!).params))["norm.weight"]).toEqual(Array(32).fill(1));

  const { settings } = saved.info;
  const without = { ...settings, config: { ...settings.config, weightEma: 0 } };
  const info = { ...saved.info, settings: without };
  await expect(savedEncoder(on.device, { ...saved, info }, { average: true })).rejects.toThrow(
    "savedEncoder: the run must keep a moving average of its weights, as supervised does with --weight-ema; got one of supervised without",
  );
});

test.each(Object.keys(METHODS) as MethodName[])(
  "what probes read of %s comes back in half precision, without what its loss alone reads",
  async (method) => {
    const images = await DeviceImages.upload(on.device, pictures);
    const trainer = new Trainer(on.device, smallRun(method), images);
    const file = await encodeEncoder(trainer);
    const saved = await openSaved("encoder", sourceOf(file));
    expect(saved.info).toEqual({ format: "partwise.encoder.1", step: 12, settings: trainer.settings });
    const encoder = await savedEncoder(on.device, saved);

    const trained = await valuesOf(trainer.encoder);
    const unread = Object.keys(trained).filter((name) => LOSS_ONLY[method]?.test(name));
    expect(unread.length > 0).toBe(method in LOSS_ONLY);
    const read = Object.entries(trained).filter(([name]) => !unread.includes(name));
    expect(await valuesOf(encoder.params)).toEqual(
      Object.fromEntries(read.map(([name, values]) => [name, rounded(values)])),
    );
    expect(saved.entries.size).toBe(read.length);

    const { embedDim } = encoder.config;
    const patches = gridOf(encoder.config) ** 2;
    const tokens = fill(on.device, [2, 1 + patches, embedDim], 0.5);
    for (const { dim, of, ofPatches } of Object.values(encoder.projections)) {
      expect(of(encoder.params, tokens).shape).toEqual([2, dim]);
      expect(ofPatches(encoder.params, tokens).shape).toEqual([2, patches, dim]);
    }
    encoder.params.dispose();

    const whole = await openSaved("checkpoint", sourceOf(await savedBytes(trainer)));
    expect(whole.info).toMatchObject({ format: "partwise.checkpoint.2", step: 0 });
    const again = await savedEncoder(on.device, whole);
    expect(await valuesOf(again.params)).toEqual(Object.fromEntries(read));
    again.params.dispose();
    trainer.dispose();
  },
);

test("files that hold no encoder are refused in a sentence", async () => {
  const fileOf = (metadata?: unknown) =>
    sourceOf(
      writeSafetensors(new Map(), metadata === undefined ? {} : { partwise: JSON.stringify(metadata) }),
    );
  const bad = [
    [undefined, /^a: must be a checkpoint of format .*; got safetensors without partwise metadata$/],
    [{ format: "partwise.encoder.9" }, /^a: must be a checkpoint of format .*; got partwise.encoder.9$/],
    [{ format: "partwise.encoder.1" }, /^a: settings in its metadata must be an object; got nothing$/],
    [null, /^a: must be a checkpoint of format/],
  ] as const;
  for (const [metadata, message] of bad) {
    await expect(openSaved("a", fileOf(metadata))).rejects.toThrow(message);
  }
});
