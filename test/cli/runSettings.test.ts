import { expect, test } from "vitest";
import { rateNote } from "../../src/cli/runs/rateNote.ts";
import {
  checkData,
  checkFlags,
  dataOf,
  type PretrainFlags,
  settingsOf,
} from "../../src/cli/runs/runSettings.ts";
import { creatures } from "../../src/data/creatures/creatures.ts";

const images = creatures({ count: 20, size: 8 });
const flags: PretrainFlags = {
  data: "creatures",
  out: "run",
  model: "vit_micro_patch4_32",
  epochs: 3,
  batch: 8,
  method: "mae",
  config: {},
  tune: true,
};

test("epochs are counted in whole batches", () => {
  expect(settingsOf(flags, dataOf(images))).toMatchObject({
    totalSteps: 6,
    seed: 0,
    data: { count: 20, width: 8 },
  });
  expect(() => settingsOf({ ...flags, batch: 21 }, dataOf(images))).toThrow(/20 pictures and batches of 21/);
});

test("resuming takes only the pictures of the run", () => {
  const settings = settingsOf(flags, dataOf(images));
  expect(checkData(settings, dataOf(images))).toBe(settings);
  const others = { ...images, pixels: images.pixels.map((p) => 255 - p) };
  expect(() => checkData(settings, dataOf(others))).toThrow(/creatures-train\) with other contents\. Repeat/);
  const { sha256, labels, ...older } = settings.data;
  expect([sha256, labels]).toEqual([expect.stringMatching(/^\w{64}$/), expect.stringMatching(/^\w{64}$/)]);
  expect(checkData({ ...settings, data: older }, dataOf(others))).toMatchObject({ data: older });
});

test("resuming takes only the classes and the labels of the run", () => {
  const settings = settingsOf(flags, dataOf(images));
  const [first, ...rest] = images.classes as [string, ...string[]];
  for (const others of [
    { ...images, classes: [`${first}s`, ...rest] },
    { ...images, labels: images.labels.map((label) => (label + 1) % images.classes.length) },
  ]) {
    expect(() => checkData(settings, dataOf(others))).toThrow(
      /^the pictures must be those of the run .*; got 20 pictures of 8 x 8 \(creatures-train\) with other classes or labels\. Repeat/,
    );
  }
});

test("resuming takes flags that repeat the run's settings, and no others", () => {
  const settings = settingsOf(flags, dataOf(images));
  expect(() =>
    checkFlags({ ...flags, steps: 6, seed: 0, config: { maskRatio: 0.75 } }, settings),
  ).not.toThrow();
  const onGrid = { ...flags, method: "beit" as const, config: { maskedPatches: 0, minBlock: 0 } };
  const hidden = settingsOf(onGrid, dataOf(images));
  expect(() => checkFlags(onGrid, hidden)).not.toThrow(); // 0 is what the file has as a number
  expect(() => checkFlags({ ...onGrid, config: { maskedPatches: 7 } }, hidden)).toThrow(
    /--masked-patches must be as .* 26; got 7/,
  );
  expect(() => checkFlags({ ...flags, epochs: 4 }, settings)).toThrow(/--epochs must be .* 3; got 4/);
  expect(() => checkFlags({ ...flags, model: "vit_mini_patch4_32" }, settings)).toThrow(/--model must be/);
  expect(() => checkFlags({ ...flags, baseRate: 1 }, settings)).toThrow(/--base-rate must be .* 0\.048/);
});

test("a recipe's absolute rate is told where the batch is not the recipe's", () => {
  const noted = (changes: Partial<PretrainFlags>) => {
    const asked = { ...flags, ...changes };
    return rateNote(asked, settingsOf(asked, dataOf(images)));
  };
  expect(noted({})).toBe(
    "the rate 0.0015 is the small recipe's for batches of 256 and stays so for 8; take --batch 256, or --base-rate 0.0015 to scale it",
  );
  expect(noted({ method: "moco-v3" })).toMatch(/for batches of 512 .* --base-rate 0\.00075 to scale it$/);
  expect(noted({ method: "beit", recipe: "paper", config: { maskedPatches: 0, minBlock: 0 } })).toMatch(
    /^the rate 0\.0015 is the paper recipe's for batches of 2048 .* --base-rate 0\.0001875 to scale it$/,
  );
  for (const silent of [{ lr: 1e-3 }, { baseRate: 1e-3 }, { recipe: "paper" }] as const) {
    expect(noted(silent)).toBeNull(); // MAE's paper recipe has a rate per 256 pictures
  }
});

test("a run keeps the numbers that its recipe finds in the grid, so that files say them as ever", () => {
  const hidden = { beit: 26, data2vec: 39, cae: 32 } as const;
  for (const [method, maskedPatches] of Object.entries(hidden)) {
    const { config } = settingsOf({ ...flags, method: method as keyof typeof hidden }, dataOf(images));
    expect(config).toMatchObject({ maskedPatches, minBlock: 5 });
  }
});
