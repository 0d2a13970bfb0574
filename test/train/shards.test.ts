import { expect, test } from "vitest";
import { noisePictures } from "../../src/data/noise.ts";
import { restoreTrainer } from "../../src/train/checkpoint.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { planRun } from "../../src/train/plan.ts";
import { descriptionOf, runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { digestOf, openBytes, savedBytes } from "./savedFile.ts";

const on = withDevice();
const pictures = noisePictures(4, 32);

test("a run has the same bits in many shards, and its checkpoint fits any number", async () => {
  const choices = {
    model: "vit_micro_patch8_32",
    data: descriptionOf(pictures),
    seed: 3,
    batchSize: 2,
    totalSteps: 4,
  };
  const settings = runSettings({ method: "mae", recipe: "paper", ...choices, baseRate: 1, warmupSteps: 0 });
  const images = await DeviceImages.upload(on.device, pictures);
  const made = async (options: { shardBytes?: number }) => {
    const trainer = new Trainer(on.device, settings, images, options);
    await trainer.prepare();
    return trainer;
  };
  const [whole, cut] = [await made({}), await made({ shardBytes: 200_000 })];
  expect(whole.trained.values).toHaveLength(1);
  expect(cut.trained.values.length).toBeGreaterThan(8);
  for (let i = 0; i < 2; i++) for (const trainer of [whole, cut]) trainer.run();
  const bytes = await savedBytes(cut);
  expect(digestOf(await savedBytes(whole))).toBe(digestOf(bytes));

  await restoreTrainer(whole, await openBytes(bytes));
  for (const trainer of [whole, cut]) trainer.run();
  expect(digestOf(await savedBytes(whole))).toBe(digestOf(await savedBytes(cut)));
  expect(await whole.updates()).toBe(3);
});

test.each(["base", "large"])("vit_%s can be planned where 128 MiB are bound at once", (size) => {
  const model = `vit_${size}_patch16_224`;
  const data = { name: "any", count: 1, width: 224, height: 224 };
  const settings = runSettings({
    method: "mae",
    recipe: "paper",
    model,
    data,
    seed: 1,
    batchSize: 1,
    totalSteps: 1,
  });
  const { parameters, largestBinding } = planRun(on.device, settings);
  expect(parameters).toBeGreaterThan(3 * 2 ** 27);
  expect(largestBinding.bytes).toBeLessThanOrEqual(2 ** 27);
});
