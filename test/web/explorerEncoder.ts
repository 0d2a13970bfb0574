/** An encoder file small enough for a software adapter: a run's first values. */
import { type StoredTensor, toHalf, writeSafetensors } from "../../src/data/safetensors.ts";
import { methodOf, type RunSettings, runSettings } from "../../src/train/run.ts";
import { prefixOf } from "../../src/train/runState.ts";

/** A DINO of one block with heads of a few units. */
export function tinySettings(): RunSettings {
  const settings = runSettings({
    method: "dino",
    recipe: "small",
    model: "vit_micro_patch8_32",
    data: { name: "creatures", count: 4, width: 32, height: 32 },
    seed: 5,
    batchSize: 4,
    totalSteps: 9,
    config: { prototypes: 12, hiddenDim: 16, bottleneckDim: 8, localSize: 16 },
  });
  return { ...settings, encoder: { ...settings.encoder, embedDim: 16, depth: 1, numHeads: 2 } };
}

export function tinyEncoderFile(): Uint8Array<ArrayBuffer> {
  const settings = tinySettings();
  const { networks: networksOf, encoder } = methodOf(settings);
  const networks = networksOf(settings.seed);
  const prefix = prefixOf(networks, encoder.network);
  const tensors = networks[encoder.network]!.map(({ name, shape, values }): [string, StoredTensor] => [
    prefix + name,
    { dtype: "F16", shape, data: Uint16Array.from(values, toHalf) },
  ]);
  const partwise = JSON.stringify({ format: "partwise.encoder.1", settings });
  return writeSafetensors(new Map(tensors), { partwise });
}
