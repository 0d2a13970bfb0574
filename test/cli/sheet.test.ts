import { describe, expect, test } from "vitest";
import { mapSheet } from "../../src/cli/sheets/mapSheet.ts";
import { type Colour, lineHeight, Sheet, widthOf } from "../../src/cli/sheets/sheet.ts";
import { eachDot, LETTER } from "../../src/cli/sheets/sheetFont.ts";
import type { FeatureMaps } from "../../src/eval/maps/featureMaps.ts";
import { runSettings } from "../../src/train/run.ts";
import { pictureIn } from "./png.ts";

const RED: Colour = [200, 10, 20];
const gray = (level: number, side = 4) => ({
  width: side,
  height: side,
  pixels: new Uint8Array(side * side * 3).fill(level),
});

/** The picture of a sheet, pixel by pixel. */
function pixelsOf(sheet: Sheet) {
  const png = sheet.png();
  const { width, height } = pictureIn(png);
  expect([width, height]).toEqual([sheet.width, sheet.height]);
  return pixelsIn(png);
}

/** The pixels of a file. */
function pixelsIn(png: Uint8Array) {
  const { width, pixels } = pictureIn(png);
  return (x: number, y: number) => [...pixels.subarray((y * width + x) * 3, (y * width + x + 1) * 3)];
}

describe("a sheet", () => {
  test("has a picture where it was put, scaled, and paper elsewhere", () => {
    const sheet = new Sheet(20, 10);
    sheet.put(gray(90), 2, 1, 8);
    const checks = { width: 2, height: 1, pixels: Uint8Array.of(0, 0, 0, 250, 250, 250) };
    sheet.put(checks, 12, 0, 8, "squares");
    const at = pixelsOf(sheet);
    expect([at(2, 1), at(9, 8), at(1, 1), at(10, 8)]).toEqual([90, 90, 255, 255].map((v) => [v, v, v]));
    expect([at(12, 0), at(15, 7), at(16, 0), at(19, 7)]).toEqual([0, 0, 250, 250].map((v) => [v, v, v]));
  });

  test("outlines a place inside of its box and darkens what is around it", () => {
    const sheet = new Sheet(16, 16);
    const box = { left: 1 / 4, top: 1 / 2, width: 1 / 2, height: 1 / 2 };
    sheet.putPlace(gray(100), box, { left: 0, top: 0, side: 16, colour: RED, dim: true });
    const at = pixelsOf(sheet);
    expect([at(4, 8), at(11, 15), at(5, 12)]).toEqual([RED, RED, RED]);
    expect(at(7, 11)).toEqual([100, 100, 100]);
    expect([at(3, 8), at(12, 15), at(8, 7)]).toEqual([55, 55, 55].map((v) => [v, v, v]));
  });

  test("has words of letters that differ, each inside of its own cell", () => {
    const sheet = new Sheet(widthOf("hi", 2), lineHeight(2));
    sheet.write("Hi", 0, 0, 2, RED);
    const at = pixelsOf(sheet);
    expect([at(0, 0), at(1, 13), at(2, 0)]).toEqual([RED, RED, [255, 255, 255]]);
    const shapes = [..."abcdefghijklmnopqrstuvwxyz0123456789.,:-+/"].map((letter) => {
      const dots: string[] = [];
      eachDot(letter, (x, y) => {
        expect(x >= 0 && x < LETTER.width - 1 && y >= 0 && y < LETTER.height).toBe(true);
        dots.push(`${x},${y}`);
      });
      return dots.join(" ");
    });
    expect(new Set(shapes).size).toBe(shapes.length);
    eachDot(" \u2603", () => expect.fail("a space has no dots"));
  });
});

describe("a sheet of maps", () => {
  // Two pictures of 2 x 2 patches and two heads. Each head holds most at one patch, and not at the same as the other.
  const [most, some, little] = [0.7, 0.2, 0.05];
  const heads = [
    [
      [little, little, some, most],
      [most, little, some, little],
    ],
    [
      [some, most, little, little],
      [little, some, most, little],
    ],
  ];
  const attention: FeatureMaps = {
    ...{ count: 2, rows: 2, columns: 2, dim: 2 },
    values: Float32Array.from(heads.flatMap(([one, two]) => one!.flatMap((value, at) => [value, two![at]!]))),
  };
  const colours = Uint8ClampedArray.from({ length: 2 * 4 * 3 }, (_, i) => 10 * i);
  const images = { ...gray(0, 8), name: "planted", count: 2, labels: new Int32Array(2), classes: ["a"] };
  const drawn = { name: "planted", count: 2, width: 8, height: 8 };
  const settings = runSettings({
    ...{ method: "mae", model: "vit_micro_patch4_8", data: drawn, seed: 0, batchSize: 2, totalSteps: 1 },
  });
  const look = { settings, images, picture: (i: number) => gray(100 * (i + 1), 8) };

  /** Colours in the middle of each patch of a tile: 128 pixels a side, 8 apart, behind a margin of 24 and below the headings. */
  function tileOf(png: Uint8Array, row: number, column: number): number[][] {
    const at = pixelsIn(png);
    const [left, top] = [24 + 136 * column, 24 + lineHeight(2) + 8 + 136 * row];
    return [0, 1, 2, 3].map((patch) =>
      at(left + 32 + 64 * (patch % 2), top + 32 + 64 * Math.floor(patch / 2)),
    );
  }
  const [darkest, brightest] = [
    [0, 0, 4],
    [252, 253, 191],
  ];

  test("has a row for each picture: itself, its colours, and what each head holds, from dark to bright", () => {
    const png = mapSheet(look, attention, colours);
    const { width, height } = pictureIn(png);
    expect([width, height]).toEqual([
      48 + 4 * 136 - 8,
      24 + lineHeight(2) + 8 + 2 * 136 + lineHeight(1) + 24,
    ]);
    for (const row of [0, 1]) {
      const level = 100 * (row + 1);
      expect(tileOf(png, row, 0)).toEqual(new Array(4).fill([level, level, level]));
      expect(tileOf(png, row, 1).flat()).toEqual([...colours.subarray(12 * row, 12 * row + 12)]);
      for (const [head, map] of heads[row]!.entries()) {
        const tile = tileOf(png, row, 2 + head);
        for (const [patch, value] of map.entries()) {
          if (value === most) expect(tile[patch]).toEqual(brightest);
          else if (value === little) expect(tile[patch]).toEqual(darkest);
          else expect(tile[patch]).toEqual([74, 17, 114]); // .15 / .65 of the way
        }
      }
    }
  });

  test("or the picture, dark where a head does not look", () => {
    for (const [threshold, held] of [
      [0.6, [most]],
      [0.85, [most, some]],
    ] as const) {
      const png = mapSheet(look, attention, colours, threshold);
      for (const row of [0, 1]) {
        for (const [head, map] of heads[row]!.entries()) {
          const level = 100 * (row + 1);
          const wanted = map.map((value) => (held.includes(value) ? level : level / 4));
          expect(tileOf(png, row, 2 + head)).toEqual(wanted.map((v) => [v, v, v]));
        }
      }
    }
  });
});
