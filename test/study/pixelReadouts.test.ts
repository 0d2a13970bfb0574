import { describe, expect, test } from "vitest";
import type { PixelSet } from "../../src/data/pixelSet.ts";
import { fill } from "../../src/engine/graph/fill.ts";
import { type BlockEncoder, patchPixels } from "../../src/eval/segmentation/blockTokens.ts";
import { readPixels } from "../../src/study/pixelReadouts.ts";
import { scoreOf } from "../../src/study/sample.ts";
import { PATCH, stripes } from "../eval/stripes.ts";
import { withDevice } from "../withDevice.ts";

describe("segmentation in a study", () => {
  const on = withDevice();
  const sets = { probe: stripes({ count: 16, seed: 1 }), test: stripes({ count: 12, seed: 2 }) };
  const read = (blocks: BlockEncoder, of = sets) =>
    readPixels(
      on.device,
      { blocks },
      [
        { name: "objects", ...of },
        { name: "parts", ...of },
      ],
      { reading: "blocks", seed: 1, updates: 60, decayBias: true },
    );

  test("features that tell the class of a patch give 1, each score its readout, and parts by name", async () => {
    const found = await read(patchPixels(PATCH));
    expect(found.map(({ target, reading, probe }) => `${target} ${reading} ${probe}`)).toEqual(
      ["objects", "parts"].flatMap((target) =>
        ["mIoU", "mAcc", "aAcc"].map((name) => `${target} blocks ${name}`),
      ),
    );
    for (const { score, floor, pictures, probe } of found) {
      expect(score, probe).toBeGreaterThan(0.97);
      expect(floor, probe).toBeLessThan(0.5);
      expect(pictures.items).toEqual(new Array(12).fill(1));
      expect(scoreOf(pictures.sums, pictures.items)).toBeCloseTo(score, 10);
    }
    const [mIoU, ...others] = found.filter(({ target }) => target === "parts");
    const labelled = [0, 1, 2].map((c) => sets.test.pixelLabels.filter((label) => label === c).length);
    expect(Object.entries(mIoU!.classes!).map(([name, { items }]) => [name, items])).toEqual(
      ["red", "green", "blue"].map((name, c) => [name, labelled[c]]),
    );
    const shares = Object.values(mIoU!.classes!).map(({ items, sum }) => sum / items);
    expect(shares.reduce((sum, share) => sum + share, 0) / 3).toBeCloseTo(mIoU!.score, 10);
    for (const { classes } of [...others, found[0]!]) expect(classes).toBeUndefined();
  });

  test("features that are the same everywhere give what guessing gives: the most frequent class", async () => {
    const same: BlockEncoder = {
      patchSize: PATCH,
      dim: 2,
      encode: ({ device, shape: [batch, height, width] }) =>
        fill(device, [batch!, height! / PATCH, width! / PATCH, 2], 1),
    };
    const mostlyRed = (set: PixelSet) => ({
      ...set,
      pixelLabels: set.pixelLabels.map((label) => (label === 2 ? 0 : label)),
    });
    const of = { probe: mostlyRed(sets.probe), test: mostlyRed(sets.test) };
    const found = await read(same, of);
    for (const { score, floor, probe } of found) expect(score, probe).toBeCloseTo(floor, 12);
    expect(found.map(({ floor }) => floor > 0.25 && floor < 0.75)).toEqual(new Array(6).fill(true));
  });
});
