// Fine-tuning: supervised training that starts from the encoder of another run, with a rate for every layer.

import { afterAll, beforeAll, expect, test } from "vitest";
import { IMAGENET_STATISTICS } from "../../src/data/images.ts";
import { testClassifier } from "../../src/eval/classifier.ts";
import type { MethodName } from "../../src/models/methods.ts";
import type { SupervisedConfig } from "../../src/models/supervised.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { type RunSettings, runSettings } from "../../src/train/run.ts";
import { readStart, type Start, startValues } from "../../src/train/startFrom.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { unequal } from "./bits.ts";
import { pictures, smallRun } from "./methodRuns.ts";
import { openBytes, restore, savedBytes, stateOf } from "./savedFile.ts";

const on = withDevice();
let images: DeviceImages;
let start: Start; // MAE's
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
  ({ start } = await pretrained("mae"));
});
afterAll(() => images.dispose());

/** An encoder that is not as it began, as its run holds it and as its checkpoint gives it. */
async function pretrained(method: MethodName): Promise<{ start: Start; held: Map<string, Float32Array> }> {
  const trainer = new Trainer(on.device, smallRun(method), images);
  const { encoder } = trainer;
  const held = new Map<string, Float32Array>();
  let drawn = 0;
  for (const [name, { values }] of await encoder.read(encoder.values)) {
    held.set(
      name,
      values.map((value) => value + 0.02 * Math.sin(drawn++)),
    );
    encoder.get(name).write(held.get(name)!);
  }
  return { start: await readStart(await openBytes(await savedBytes(trainer))), held };
}

const tuning = ({ encoder, model }: Start, config: Partial<SupervisedConfig> = {}): RunSettings =>
  runSettings({
    ...{ method: "supervised", recipe: "finetune-small", model, start: { encoder, sha256: "00" }, seed: 3 },
    data: { name: "coat", count: pictures.count, width: 32, height: 32, classes: pictures.classes.length },
    ...{ batchSize: 4, totalSteps: 12, warmupSteps: 0, rate: 0.001, config },
  });

async function tuned(start: Start, config?: Partial<SupervisedConfig>): Promise<Trainer> {
  const trainer = new Trainer(on.device, tuning(start, config), images);
  await trainer.ready(startValues(trainer, start));
  await trainer.prepare();
  return trainer;
}

test.each<MethodName>(["dino", "beit", "cae"])("the encoder of %s arrives, and learns", async (method) => {
  const { start: own, held } = await pretrained(method);
  const isCae = method === "cae"; // its positions stay fixed, and its last norm goes on as the classifier's
  const found = [...own.values].map(([name, values]) => [name, values, held.get(name.replace(/^fc_/, ""))]);
  for (const [name, values, had] of found) expect([name, values]).toEqual([name, had]);
  expect(own.values.has("fc_norm.weight")).toBe(isCae);
  const trainer = await tuned(own, { weightEma: 0.9 });
  const before = (await stateOf(trainer)).tensors;
  for (const [name, values] of own.values) {
    expect([name, before.get(name)!.values]).toEqual([name, values]);
    expect([name, before.get(`ema.${name}`)!.values]).toEqual([name, values]);
  }
  trainer.run();
  const after = (await stateOf(trainer)).tensors;
  const stayed = [...own.values.keys()].filter(
    (name) => `${after.get(name)!.values}` === `${before.get(name)!.values}`,
  );
  // The class token is in no loss of the mean of the patches, but they ask it; only the final norm rests.
  expect(stayed).toEqual([...(isCae ? ["pos_embed"] : []), "norm.weight", "norm.bias"]);
});

test("the first step of AdamW moves every layer by its own rate", async () => {
  const trainer = await tuned(start, { layerDecay: 0.5 });
  const head = trainer.trained.get("head.weight");
  head.write(Float32Array.from({ length: head.size }, (_, i) => Math.sin(i))); // so that gradients are far above eps
  const before = (await stateOf(trainer)).tensors;
  trainer.run();
  const after = (await stateOf(trainer)).tensors;
  const median = (name: string) => {
    const [a, b] = [before.get(name)!.values, after.get(name)!.values];
    return a.map((v, i) => Math.abs(b[i]! - v)).sort()[a.length >> 1]! / 0.001;
  };
  const layers = {
    "head.weight": 0,
    "blocks.1.mlp.fc1.weight": 1,
    "blocks.0.mlp.fc1.weight": 2,
    pos_embed: 3,
  };
  for (const [name, above] of Object.entries(layers)) {
    expect(Math.abs(median(name) / 0.5 ** above - 1), name).toBeLessThan(0.05); // decay adds .05 of a value at most
  }
});

test("resumed, a run needs no other and has the bits of one that never stopped", async () => {
  const whole = await tuned(start);
  for (let i = 0; i < 3; i++) whole.run();
  const half = await stateOf(whole);
  for (let i = 0; i < 2; i++) whole.run();
  const resumed = new Trainer(on.device, tuning(start), images);
  await restore(resumed, half);
  await resumed.prepare();
  for (let i = 0; i < 2; i++) resumed.run();
  expect(unequal(await stateOf(resumed), await stateOf(whole))).toEqual([]);
});

test("its classifier is tested as it was trained: pictures that it has learned by heart are all right", async () => {
  const settings = { ...tuning(start, { jitterProb: 0, cropScale: [1, 1] }), totalSteps: 60 };
  const trainer = new Trainer(on.device, settings, images);
  await trainer.ready(startValues(trainer, start));
  await trainer.prepare();
  const config = settings.config as SupervisedConfig;
  const grade = () =>
    testClassifier(
      on.device,
      { params: trainer.trained, encoder: trainer.method.encoder.config, config },
      { train: pictures, test: pictures },
      { statistics: IMAGENET_STATISTICS },
    );
  const first = await grade();
  for (let i = 0; i < 60; i++) trainer.run();
  const last = await grade();
  expect(last.top1).toBeGreaterThan(first.top1 + 0.3);
  expect([last.hits.length, last.chance]).toEqual([pictures.count, 1 / pictures.classes.length]);
});

test("an encoder that learned from a teacher is refused, and so is a recipe of another method", async () => {
  const trainer = new Trainer(on.device, smallRun("supervised"), images);
  const checkpoint = await openBytes(await savedBytes(trainer));
  const { settings } = checkpoint.info;
  const distilled = { ...settings, config: { ...settings.config, teacher: settings.encoder } };
  await expect(
    readStart({ ...checkpoint, info: { ...checkpoint.info, settings: distilled } }),
  ).rejects.toThrow(
    "readStart: the encoder must have one class token; got a run that learned from a teacher",
  );
  const { start: _, ...mae } = smallRun("mae");
  expect(() => runSettings({ ...mae, recipe: "finetune-mae" })).toThrow(
    "mae: the recipe must be one of paper, small; got finetune-mae",
  );
});
