import { afterAll, beforeAll, expect, test } from "vitest";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { DeviceImages } from "../../src/train/deviceImages.ts";
import { sightsOf, viewNames } from "../../src/train/sights.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { withDevice } from "../withDevice.ts";
import { unequal } from "./bits.ts";
import { pictures, smallRun } from "./methodRuns.ts";
import { stateOf } from "./savedFile.ts";

const on = withDevice();
let images: DeviceImages;
beforeAll(async () => {
  images = await DeviceImages.upload(on.device, pictures);
});
afterAll(() => images.dispose());

const trainerOf = (method: MethodName): Trainer => new Trainer(on.device, smallRun(method), images);
const SHOWN = 3;

/** The rows of each method besides the whole picture; a method without a line here fails. */
const ROWS: Record<MethodName, string[]> = {
  supervised: ["View", "View, changed"],
  mae: ["View", "View, masked", "View, completed"],
  beit: ["View", "View, masked"],
  data2vec: ["View", "View, masked"],
  cae: ["View", "View, masked"],
  "moco-v3": ["View 1", "View 2"],
  dino: ["View 1", "View 2", "Small view 1", "Small view 2"],
  ibot: ["View 1", "View 1, masked", "View 2", "View 2, masked", "Small view 1", "Small view 2"],
};

test.each(Object.keys(METHODS) as MethodName[])(
  "what %s sees: its pictures, views and masks",
  async (name) => {
    const trainer = trainerOf(name);
    const rows = await sightsOf(trainer, SHOWN);
    expect(rows.map((row) => row.name)).toEqual(["Picture", ...ROWS[name]]);
    for (const { name: row, side, pixels } of rows) {
      expect([row, side]).toEqual([row, row.startsWith("Small") ? 8 : 16]);
      expect(pixels).toHaveLength(SHOWN * side * side * 3);
      expect(new Set(pixels).size).toBeGreaterThan(20);
    }
    expect(new Set(rows.map(({ pixels }) => `${pixels}`)).size).toBe(rows.length);
  },
);

/** How many patches of each picture of a row are middle gray; the others are those of the view above it. */
async function hiddenPatches(name: MethodName): Promise<number[]> {
  const rows = await sightsOf(trainerOf(name), 4);
  const [seen, masked] = [rows[1]!.pixels, rows[2]!.pixels];
  const [side, patch] = [16, 4];
  const hidden = [0, 0, 0, 0];
  for (let picture = 0; picture < 4; picture++) {
    for (let at = 0; at < (side / patch) ** 2; at++) {
      const corner = (Math.floor(at / (side / patch)) * side + (at % (side / patch))) * patch;
      const values = (of: Uint8ClampedArray): number[] =>
        Array.from({ length: patch * patch }, (_, i) => {
          const pixel = picture * side * side + corner + Math.floor(i / patch) * side + (i % patch);
          return [...of.subarray(3 * pixel, 3 * pixel + 3)];
        }).flat();
      if (values(masked).every((level) => level === 128)) hidden[picture]!++;
      else expect(values(masked)).toEqual(values(seen));
    }
  }
  return hidden;
}

test("as many patches are gray as the methods hide", async () => {
  expect(await hiddenPatches("mae")).toEqual([12, 12, 12, 12]);
  expect(await hiddenPatches("cae")).toEqual([8, 8, 8, 8]);
  for (const count of await hiddenPatches("beit")) {
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(6);
  }
});

test("looking moves nothing: the run has the bits of one that nobody looked at", async () => {
  const [looked, alone] = [trainerOf("mae"), trainerOf("mae")];
  for (const trainer of [looked, alone]) await trainer.prepare();
  await sightsOf(looked, SHOWN); // what is allocated once
  const before = on.device.counters.bytesHeld;
  for (let step = 0; step < 3; step++) {
    await sightsOf(looked, SHOWN);
    looked.run();
    alone.run();
  }
  await on.device.finish();
  expect(on.device.counters.bytesHeld).toBe(before);
  expect(unequal(await stateOf(looked), await stateOf(alone))).toEqual([]);
});

test("views of one size are numbered, a single one is not", () => {
  const view = (size: number, count: number) => ({ size, count, scale: [0, 1] as const });
  expect(viewNames([view(32, 1)])).toEqual(["View"]);
  expect(viewNames([view(32, 1), view(32, 1), view(16, 1)])).toEqual(["View 1", "View 2", "Small view"]);
});
