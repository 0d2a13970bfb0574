// Checkpoints of the first format, written before there were methods: fixtures/formatOne.safetensors is one after four of
// seven steps, with settings that are not the defaults.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { noisePictures } from "../../src/data/noise.ts";
import { readSafetensors, writeSafetensors } from "../../src/data/safetensors.ts";
import { adapterName, restoreTrainer, savedEncoder } from "../../src/train/checkpoint.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { openBytes, type SavedState, savedBytes, stateOf } from "./savedFile.ts";

const on = withDevice();
const bytes = readFileSync(new URL("fixtures/formatOne.safetensors", import.meta.url));
/** Of all that was kept after the seventh step, by the trainer that wrote the file, on the file's adapter. */
const AFTER_SEVEN = "b365020354ccfe1cbffc2d4715c426e6d5b428115fb00ed8324f63d8cccfa3d9";

const trainerOf = async (): Promise<Trainer> => {
  const { info } = await openBytes(bytes);
  return new Trainer(on.device, info.settings, await DeviceImages.upload(on.device, noisePictures(7, 8)));
};

/** Of every name and value. */
function digestOf({ tensors }: SavedState): string {
  const hash = createHash("sha256");
  for (const name of [...tensors.keys()].sort()) hash.update(name).update(tensors.get(name)!.values);
  return hash.digest("hex");
}

/** What the file holds. */
const saved = new Map(
  [...readSafetensors(bytes).tensors].map(([name, { shape, data }]) => [
    name,
    { shape, values: data as Float32Array },
  ]),
);

test("a file of the first format says what it said, in today's words", async () => {
  const { info } = await openBytes(bytes);
  expect(info).toMatchObject({
    format: "partwise.checkpoint.1",
    step: 4,
    settings: {
      method: "mae",
      model: "vit_micro_patch4_8",
      encoder: { embedDim: 8, depth: 1, numHeads: 2, dropPath: 0.3, positions: "sincos-mae" },
      config: { maskRatio: 0.5, normPixLoss: false, decoderEmbedDim: 8, cropScale: [0.2, 1] },
      data: { name: "noise", count: 7, width: 8, height: 8 },
      seed: 3,
      batchSize: 2,
      totalSteps: 7,
      lr: { kind: "warmupCosine", base: 2 / 256, min: 0, warmupSteps: 2 },
      weightDecay: { kind: "constant", value: 0.05 },
      betas: [0.9, 0.95],
      clip: { limit: 0.5, by: "model" },
    },
  });
});

test("it resumes to the bits that it would have come to, and is a file of today's format then", async () => {
  const trainer = await trainerOf();
  const checkpoint = await openBytes(bytes);
  await restoreTrainer(trainer, checkpoint);
  expect(await stateOf(trainer)).toMatchObject({ step: 4, tensors: saved });
  const again = await openBytes(await savedBytes(trainer));
  expect(again.info).toEqual({
    ...checkpoint.info,
    format: "partwise.checkpoint.2",
    adapter: adapterName(on.device),
  });

  const whole = await trainerOf();
  for (const each of [trainer, whole]) await each.prepare();
  while (trainer.step < 7) trainer.run();
  while (whole.step < 4) whole.run();
  // Between adapters floats are only nearly equal.
  if (checkpoint.info.adapter !== adapterName(on.device)) return;
  expect((await stateOf(whole)).tensors).toEqual(saved);
  expect(digestOf(await stateOf(trainer))).toBe(AFTER_SEVEN);
});

test("its encoder is read for evaluation", async () => {
  const { params, config } = await savedEncoder(on.device, await openBytes(bytes));
  expect(config).toMatchObject({ embedDim: 8, imageSize: 8 });
  expect(await params.get("norm.weight").read()).toEqual(saved.get("norm.weight")!.values);
});

test.each([
  ["settings.mae", { mae: undefined }, "settings.mae in its metadata must be an object; got nothing"],
  ["settings.baseRate", { baseRate: "1" }, 'settings.baseRate in its metadata must be a number; got "1"'],
  [
    "settings.cropScale",
    { cropScale: [1] },
    "settings.cropScale.1 in its metadata must be a number; got nothing",
  ],
])("one whose %s is broken is refused", async (_, changes, sentence) => {
  const { tensors, metadata } = readSafetensors(bytes);
  const info = JSON.parse(metadata.partwise!);
  const settings = { ...info.settings, ...changes };
  const broken = writeSafetensors(tensors, { partwise: JSON.stringify({ ...info, settings }) });
  await expect(openBytes(broken)).rejects.toThrow(sentence);
});
