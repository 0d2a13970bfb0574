// Settings of the second format as runs of every method wrote them: fixtures/formatTwo.json, without what methods have gained
// since. A method that gains a setting says by `addedLater` what its runs had before, and has it here.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import type { RunSettings } from "../../src/train/run.ts";
import { FORMAT, settingsIn } from "../../src/train/savedSettings.ts";

const texts: RunSettings[] = JSON.parse(
  readFileSync(new URL("fixtures/formatTwo.json", import.meta.url), "utf8"),
);

/** What the files do not say, because it was always so. */
const GAINED: Partial<Record<MethodName, object>> = {
  supervised: { randAugment: 0, repeats: 1, layerDecay: 1, meanPool: false },
  beit: { relativePositions: true },
  data2vec: { relativePositions: true },
};

test("there is one of every method", () => {
  expect(texts.map(({ method }) => method)).toEqual(Object.keys(METHODS));
});

test.each(texts.map((text) => [text.method, text] as const))("%s: older runs are read", (method, text) => {
  const gained = GAINED[method] ?? {};
  for (const key of Object.keys(gained)) expect(text.config).not.toHaveProperty(key);
  expect(settingsIn(FORMAT, text)).toEqual({ ...text, config: { ...text.config, ...gained } });
  for (const [key, value] of Object.entries(gained)) {
    const other = typeof value === "boolean" ? !value : value / 2 + 1;
    const said = { ...text, config: { ...text.config, [key]: other } };
    expect(settingsIn(FORMAT, said).config).toHaveProperty(key, other);
  }
});

test.each(texts.map((text) => [text.method, text] as const))(
  "%s: what was always said must be",
  (_, text) => {
    for (const key of Object.keys(text.config)) {
      const { [key]: left, ...config } = text.config as Record<string, unknown>;
      expect(left).toBeDefined();
      expect(() => settingsIn(FORMAT, { ...text, config })).toThrow(`settings.config.${key} in its metadata`);
    }
  },
);
