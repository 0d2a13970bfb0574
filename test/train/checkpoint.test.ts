import { beforeAll, expect, test } from "vitest";
import { noisePictures } from "../../src/data/noise.ts";
import { readSafetensors, writeSafetensors } from "../../src/data/safetensors.ts";
import { adapterName, encodeCheckpoint, openCheckpoint, restoreTrainer } from "../../src/train/checkpoint.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { descriptionOf, runSettings } from "../../src/train/run.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { digestOf, openBytes, restore, savedBytes, sourceOf, stateOf } from "./savedFile.ts";
import { tinySettings, tinyTrainer } from "./tinyRun.ts";

const on = withDevice();
const pictures = noisePictures(4, 32);
let images: DeviceImages;
let saved: Uint8Array<ArrayBuffer>;

async function trainerOf(model = "vit_micro_patch8_32"): Promise<Trainer> {
  const settings = runSettings({
    method: "mae",
    recipe: "paper",
    model,
    data: descriptionOf(pictures),
    seed: 3,
    batchSize: 2,
    totalSteps: 4,
    baseRate: 1,
  });
  const trainer = new Trainer(on.device, settings, images);
  await trainer.prepare();
  return trainer;
}

beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
  const trainer = await trainerOf();
  trainer.run();
  saved = await savedBytes(trainer);
});

test("comes tensor by tensor, and goes back so into another trainer, to the bit", async () => {
  const { tensors } = readSafetensors(saved);
  const largest = Math.max(...[...tensors.values()].map(({ data }) => data.byteLength));
  const reads: number[] = [];
  const source = sourceOf(saved);
  const other = await trainerOf();
  const read = (offset: number, length: number) => {
    reads.push(length);
    return source.read(offset, length);
  };
  await restoreTrainer(other, await openCheckpoint("counted", { size: saved.length, read }));
  expect(other.step).toBe(1);
  expect(Math.max(...reads.slice(2))).toBe(largest);
  expect(digestOf(await savedBytes(other))).toBe(digestOf(saved));
  const pieces: number[] = [];
  for await (const { length } of (await encodeCheckpoint(other)).pieces) pieces.push(length);
  expect(pieces).toHaveLength(1 + tensors.size);
});

test("says where the next step's pictures and numbers come from, and holds every name", async () => {
  const trainer = await tinyTrainer(on.device);
  await trainer.prepare();
  for (let i = 0; i < 4; i++) trainer.run();
  const bytes = await savedBytes(trainer);
  const { info } = await openBytes(bytes);
  expect(info).toEqual({
    format: "partwise.checkpoint.2",
    step: 4,
    settings: tinySettings(),
    order: { epoch: 1, step: 1 },
    random: { generator: "philox4x32-10", seed: 3, step: 4 },
    adapter: adapterName(on.device),
  });
  const { segments } = trainer.trained;
  const moments = segments
    .filter(({ trained }) => trained)
    .flatMap(({ name }) => [`optimizer.exp_avg.${name}`, `optimizer.exp_avg_sq.${name}`]);
  const names = [...segments.map(({ name }) => name), ...moments];
  expect([...readSafetensors(bytes).tensors.keys()].sort()).toEqual(names.sort());
});

test("goes on in a trainer with a past to the same bits and metrics", async () => {
  const whole = await tinyTrainer(on.device);
  await whole.prepare();
  while (whole.step < 3) whole.run();
  const bytes = await savedBytes(whole);
  while (whole.step < 7) whole.run();

  const rest = await tinyTrainer(on.device);
  await rest.prepare();
  rest.run(); // what must leave nothing behind
  await restoreTrainer(rest, await openBytes(bytes));
  while (rest.step < 7) rest.run();
  expect(digestOf(await savedBytes(rest))).toBe(digestOf(await savedBytes(whole)));
  expect(await rest.ring.read(3, 7)).toEqual(await whole.ring.read(3, 7));
});

test("puts away the metrics of before: a step that is to be made again has none", async () => {
  const trainer = await tinyTrainer(on.device);
  await trainer.prepare();
  const start = await stateOf(trainer);
  trainer.run();
  expect(await trainer.ring.read(0, 1)).toHaveLength(1);
  await restore(trainer, start);
  await expect(trainer.ring.read(0, 1)).rejects.toThrow("step 0: the GPU must have written its metrics");
  trainer.run();
  expect(await trainer.ring.read(0, 1)).toHaveLength(1);
});

test("is read wherever its data begins", async () => {
  const length = Number(new DataView(saved.buffer).getBigUint64(0, true));
  for (const more of [1, 2, 3]) {
    const moved = Buffer.alloc(saved.length + more, 0x20);
    moved.set(saved.subarray(0, 8 + length));
    moved.set(saved.subarray(8 + length), 8 + length + more);
    moved.writeBigUInt64LE(BigInt(length + more));
    const other = await trainerOf();
    await restoreTrainer(other, await openBytes(moved));
    expect(digestOf(await savedBytes(other))).toBe(digestOf(saved));
  }
});

test("of another model is refused before anything changes", async () => {
  const other = await trainerOf("vit_mini_patch8_32");
  const before = digestOf(await savedBytes(other));
  await expect(restoreTrainer(other, await openBytes(saved))).rejects.toThrow(
    /^checkpoint: cls_token must have shape \[1,1,192\]; got \[1,1,96\]\. Was it another model\?$/,
  );
  expect(digestOf(await savedBytes(other))).toBe(before);
});

/** The saved file with other metadata. */
function withMetadata(change: (info: Record<string, unknown>) => unknown): Uint8Array {
  const { tensors, metadata } = readSafetensors(saved);
  const info = change(JSON.parse(metadata.partwise!));
  return writeSafetensors(tensors, { partwise: typeof info === "string" ? info : JSON.stringify(info) });
}

const settingsWith = (changes: object) => (info: Record<string, unknown>) => ({
  ...info,
  settings: { ...(info.settings as object), ...changes },
});

test.each([
  ["no JSON", () => "{broken", "a checkpoint of format partwise.checkpoint.2; got {broken"],
  ["null", () => null, "a checkpoint of format partwise.checkpoint.2; got null"],
  ["a format to come", (info) => ({ ...info, format: "partwise.checkpoint.9" }), "got partwise.checkpoint.9"],
  ["half a step", (info) => ({ ...info, step: 1.5 }), "step in its metadata must be a whole number; got 1.5"],
  ["no settings", (info) => ({ ...info, settings: undefined }), "must be an object; got nothing"],
  ["settings of another kind", settingsWith({ data: [] }), "settings.data in its metadata must be an object"],
  [
    "a number as text",
    settingsWith({ seed: "7" }),
    'settings.seed in its metadata must be a number; got "7"',
  ],
  [
    "betas that are none",
    settingsWith({ betas: [0.9] }),
    "settings.betas.1 in its metadata must be a number",
  ],
  ["a method to come", settingsWith({ method: "next" }), 'cae; got "next"'],
  [
    "another recipe",
    settingsWith({ recipe: 1 }),
    "settings.recipe in its metadata must be one of paper, small",
  ],
  [
    "a setting of another kind",
    settingsWith({ config: { maskRatio: "half" } }),
    'settings.config.maskRatio in its metadata must be a number; got "half"',
  ],
  [
    "a patch that does not fit",
    settingsWith({ encoder: { ...tinySettings().encoder, patchSize: 3 } }),
    "mae: the side of a crop must be a multiple of the patch size 3; got 8",
  ],
  [
    "a rate of no kind",
    settingsWith({ lr: { kind: "constant", value: 1 } }),
    "settings.lr.kind in its metadata",
  ],
  [
    "a rate without its numbers",
    settingsWith({ lr: { kind: "warmupCosine", base: 1, min: 0 } }),
    "settings.lr.warmupSteps in its metadata must be a number; got nothing",
  ],
  [
    "a decay that is a number",
    settingsWith({ weightDecay: 0.05 }),
    "settings.weightDecay in its metadata must be an object; got 0.05",
  ],
  [
    "clipping without a limit",
    settingsWith({ clip: {} }),
    "settings.clip.limit in its metadata must be a number",
  ],
] as [string, (info: Record<string, unknown>) => unknown, string][])(
  "metadata that is %s is refused with the file's name",
  async (_, change, sentence) => {
    const opening = openBytes(withMetadata(change), "runs/a/checkpoint.safetensors");
    await expect(opening).rejects.toThrow(/^runs\/a\/checkpoint\.safetensors: /);
    await expect(openBytes(withMetadata(change))).rejects.toThrow(sentence);
  },
);
