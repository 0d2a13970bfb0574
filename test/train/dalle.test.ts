// Methods whose tokens are of DALL-E's encoder: it is given, sees the crop of the model at another size, stays, and is saved.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crop, type Picture, resize } from "../../src/data/resize.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { dalleTokens } from "../../src/models/dalle.ts";
import { tokenSource } from "../../src/models/tokens.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { methodOf, type RunSettings } from "../../src/train/run.ts";
import { sightsOf } from "../../src/train/sights.ts";
import { openTokenizer } from "../../src/train/tokenizerFile.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { viewOf } from "../../src/train/views.ts";
import { withDevice } from "../withDevice.ts";
import { unequal } from "./bits.ts";
import { pictures, smallRun } from "./methodRuns.ts";
import { restore, sourceOf, stateOf } from "./savedFile.ts";

const bytes = readFileSync(new URL("../parity/fixtures/dalle/legacy.pkl", import.meta.url));
const file = sourceOf(Uint8Array.from(bytes));
const on = withDevice();
let images: DeviceImages;
let given: Awaited<ReturnType<typeof openTokenizer>>;
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
  given = await openTokenizer(file, { patchSize: 4 });
});
afterAll(() => images.dispose());

function named(method: "beit" | "cae", changes: object = {}): RunSettings {
  const settings = smallRun(method);
  return { ...settings, config: { ...settings.config, ...given.config, ...changes } };
}

async function started(settings: RunSettings): Promise<Trainer> {
  const trainer = new Trainer(on.device, settings, images);
  await trainer.ready(given.values);
  await trainer.prepare();
  return trainer;
}

describe.each(["beit", "cae"] as const)("%s", (name) => {
  test("goes on to the same bits without the file, captured or not, in one submit a step", async () => {
    const whole = await started(named(name));
    while (whole.step < 2) whole.run();
    const half = await stateOf(whole);
    const before = on.device.counters.submits;
    whole.run();
    expect(on.device.counters.submits - before).toBe(1);
    whole.run();
    const resumed = new Trainer(on.device, named(name), images);
    await restore(resumed, half);
    await resumed.ready();
    while (resumed.step < 4) {
      resumed.writeInputs();
      on.device.tidy(() => resumed.record());
      resumed.advance();
    }
    const last = await stateOf(whole);
    expect(unequal(await stateOf(resumed), last)).toEqual([]);
    for (const [key, values] of given.values)
      expect([key, last.tensors.get(key)?.values]).toEqual([key, values]);
    expect([...last.tensors.keys()].filter((key) => key.startsWith("optimizer.exp_avg.tokenizer"))).toEqual(
      [],
    );
    expect(last.tensors.has("tokenizer.codebook")).toBe(false);
  });
});

test("the encoder sees the model's crop and flip at 8 pixels a patch, by Lanczos as Pillow has it", async () => {
  const settings = named("beit", { jitter: 0 });
  const trainer = await started(settings);
  const { views } = trainer.look();
  expect(views.map(({ shape }) => shape)).toEqual([
    [4, 16, 16, 3],
    [4, 32, 32, 3],
  ]);
  const [index] = trainer.batches.indices(trainer.batches.position(0));
  const scale = [0.4, 1] as const;
  const box = viewOf(index!, { seed: settings.seed, epoch: 0, view: 0, width: 32, height: 32, scale });
  const size = 32 * 32 * 3;
  const whole: Picture = {
    width: 32,
    height: 32,
    pixels: pictures.pixels.subarray(index! * size, (index! + 1) * size),
  };
  const cut = resize(crop(whole, box.left, box.top, box.width, box.height), 32, 32, "lanczos").pixels;
  const [mean, std] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ] as const;
  const seen = (await views[1]!.read()).subarray(0, size);
  const levels = Array.from(seen, (value, i) => Math.round(255 * (value * std[i % 3]! + mean[i % 3]!)));
  const expected = Array.from({ length: size }, (_, i) => {
    const [row, column] = [Math.floor(i / 96), Math.floor(i / 3) % 32];
    return cut[row * 96 + 3 * (box.flip ? 31 - column : column) + (i % 3)]!;
  });
  expect(levels).toEqual(expected);
});

test("colours are jittered alike for both", async () => {
  const trainer = await started(named("beit", { jitter: 0.9 }));
  const [seen, named8] = await Promise.all(trainer.look().views.map((view) => view.read()));
  const meanOf = (values: ArrayLike<number>, picture: number) => {
    const size = values.length / 4;
    return (
      Array.from(values)
        .slice(picture * size, (picture + 1) * size)
        .reduce((a, b) => a + b) / size
    );
  };
  for (const picture of [0, 1, 2, 3])
    expect(Math.abs(meanOf(seen!, picture) - meanOf(named8!, picture))).toBeLessThan(0.1);
  const plain = await started(named("beit", { jitter: 0 }));
  const [unchanged] = await Promise.all(plain.look().views.map((view) => view.read()));
  const apart = [0, 1, 2, 3].map((picture) => Math.abs(meanOf(seen!, picture) - meanOf(unchanged!, picture)));
  expect(Math.max(...apart)).toBeGreaterThan(0.2);
});

test("targets are the encoder's tokens of the hidden patches, of all patches as many", async () => {
  const trainer = await started(named("beit"));
  const { views } = trainer.look();
  const { config, encoder } = trainer.settings;
  const all = dalleTokens(trainer.networks.tokenizer!, given.config.dalle!, views[1]!);
  const hidden = Tensor.from(on.device, [5, 0, 15, 2, 3, 3, 1, 9], [4, 2], "u32");
  const { targets } = tokenSource(encoder, config as Parameters<typeof tokenSource>[1]);
  const found = await targets({ networks: trainer.networks, views }, hidden).read();
  expect(all.shape).toEqual([4, 16]);
  const tokens = await all.read();
  expect([...found]).toEqual([5, 0, 16 + 15, 16 + 2, 32 + 3, 32 + 3, 48 + 1, 48 + 9].map((at) => tokens[at]));
});

test("a person is not shown what the encoder sees", async () => {
  const rows = await sightsOf(await started(named("beit")), 2);
  expect(rows.map(({ name }) => name)).toEqual(["Picture", "View", "View, masked"]);
});

test("any patches are named: BEiT's of 16 pixels of 224 by pictures of 112, others by 8 pixels for each", () => {
  const encoder = { ...named("beit").encoder, imageSize: 224, patchSize: 16 };
  expect(methodOf({ ...named("beit"), encoder }).views.map(({ size }) => size)).toEqual([224, 112]);
  const odd = { ...encoder, patchSize: 14 };
  expect(methodOf({ ...named("beit"), encoder: odd }).views.map(({ size }) => size)).toEqual([224, 128]);
});

test("what does not fit is refused in one sentence", async () => {
  await expect(openTokenizer(file, { patchSize: 4, tokens: 9 })).rejects.toThrow(
    "the encoder must have 9 tokens; got 8. Leave --tokens out, or give --tokens 8",
  );
  expect(() => methodOf(named("cae", { tokens: 9 }))).toThrow(
    "tokens: must be as many as DALL-E's encoder has, 8; got 9",
  );
  expect(() => methodOf(named("beit", { dalle: { width: 6, blocksPerGroup: 1, tokens: 8 } }))).toThrow(
    'dalle: width, a multiple of 4, blocksPerGroup, at most 64, and tokens must be whole and positive; got {"width":6,',
  );
  await expect(new Trainer(on.device, named("beit"), images).ready()).rejects.toThrow(
    "beit: the run must be given all values of its tokenizer; got none of blocks.input.w",
  );
});
