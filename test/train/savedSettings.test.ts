// Settings of the second format as runs of every method wrote them: fixtures/formatTwo.json, without what methods have gained
// since. A method that gains a setting says by `addedLater` what its runs had before, and has it here.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type DinoConfig, teacherTemperature } from "../../src/models/dino.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import type { RunSettings } from "../../src/train/run.ts";
import { FORMAT, settingsIn } from "../../src/train/savedSettings.ts";

const texts: RunSettings[] = JSON.parse(
  readFileSync(new URL("fixtures/formatTwo.json", import.meta.url), "utf8"),
);

const MULTI_CROP = { jitterProb: 0.8, grayscaleProb: 0.2, blurProbs: [1, 0.1, 0.5], solarizeProb: 0.2 };

const WARMUP = { teacherWarmup: 0.5 }; // 3 epochs of 6

/** What the files do not say, because it was always so or had another name. */
const GAINED: Partial<Record<MethodName, object>> = {
  "moco-v3": { blurProbs: [1, 0.1], solarizeProb: 0.2, jitterProb: 0.8, grayscaleProb: 0.2 }, // `blur`: the second view's first
  supervised: { randAugment: 0, repeats: 1, layerDecay: 1, meanPool: false },
  dino: { ...MULTI_CROP, ...WARMUP },
  ibot: { ...MULTI_CROP, ...WARMUP },
  beit: { relativePositions: true },
  data2vec: { relativePositions: true },
};

/** Names of before, and today's of the same. */
const RENAMED: Readonly<Record<string, string>> = {
  blur: "blurProbs",
  solarize: "solarizeProb",
  warmupTeacherTemperatureEpochs: "teacherWarmup",
};

/** A value of the same kind. */
function otherThan(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => 1);
  return typeof value === "boolean" ? !value : (value as number) / 2 || 1; // a share stays one
}

test("a mask ratio of 0 is the .75 that it trained at", () => {
  const mae = texts.find(({ method }) => method === "mae")!;
  const { config } = settingsIn(FORMAT, { ...mae, config: { ...mae.config, maskRatio: 0 } });
  expect(config).toHaveProperty("maskRatio", 0.75);
});

test("there is one of every method", () => {
  expect(texts.map(({ method }) => method)).toEqual(Object.keys(METHODS));
});

test.each(texts.map((text) => [text.method, text] as const))("%s: older runs are read", (method, text) => {
  const gained = GAINED[method] ?? {};
  for (const key of Object.keys(gained)) expect(text.config).not.toHaveProperty(key);
  const config = Object.fromEntries(Object.entries(text.config).filter(([key]) => !(key in RENAMED)));
  expect(settingsIn(FORMAT, text)).toEqual({ ...text, config: { ...config, ...gained } });
  for (const [key, value] of Object.entries(gained)) {
    const other = otherThan(value);
    const said = { ...text, config: { ...config, ...gained, [key]: other } };
    expect(settingsIn(FORMAT, said).config).toHaveProperty(key, other);
  }
});

test.each(texts.map((text) => [text.method, text] as const))(
  "%s: what was always said must be",
  (_, text) => {
    for (const key of Object.keys(text.config)) {
      const { [key]: left, ...config } = text.config as Record<string, unknown>;
      expect(left).toBeDefined();
      expect(() => settingsIn(FORMAT, { ...text, config })).toThrow(`settings.config.${RENAMED[key] ?? key}`);
    }
  },
);

test("a warm-up of more epochs than the run has goes on as it was", () => {
  const dino = texts.find(({ method }) => method === "dino")!;
  const longer = { ...dino, config: { ...dino.config, warmupTeacherTemperatureEpochs: 50 } };
  const { config } = settingsIn(FORMAT, longer);
  const moment = { step: 11, stepsPerEpoch: 2, totalSteps: 12 }; // in the last of its 6 epochs
  expect(teacherTemperature(config as DinoConfig, moment)).toBeCloseTo(0.04 + (0.03 * 5) / 49, 12);
});
