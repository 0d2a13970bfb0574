import { noisePictures } from "../../src/data/noise.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { descriptionOf, type RunChoices, type RunSettings, runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";

const pictures = noisePictures(7, 8);

/** A run so small that a step takes a millisecond: batches of 2 of seven pictures, three steps an epoch. */
export function tinySettings(changes: Partial<RunChoices> = {}): RunSettings {
  const settings = runSettings({
    method: "mae",
    recipe: "paper",
    model: "vit_micro_patch4_8",
    data: descriptionOf(pictures),
    seed: 3,
    batchSize: 2,
    totalSteps: 7,
    baseRate: 1,
    warmupSteps: 2,
    ...changes,
  });
  const encoder = { ...settings.encoder, embedDim: 8, depth: 1, numHeads: 2 };
  const config = { ...settings.config, decoderEmbedDim: 8, decoderDepth: 1, decoderNumHeads: 2 };
  return { ...settings, encoder, config };
}

/** A trainer of such a run. */
export async function tinyTrainer(device: Device, settings = tinySettings()): Promise<Trainer> {
  return new Trainer(device, settings, await DeviceImages.upload(device, pictures));
}
