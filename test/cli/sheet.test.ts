import { describe, expect, test } from "vitest";
import { type Colour, lineHeight, Sheet, widthOf } from "../../src/cli/sheets/sheet.ts";
import { eachDot, LETTER } from "../../src/cli/sheets/sheetFont.ts";
import { pictureIn } from "./png.ts";

const RED: Colour = [200, 10, 20];
const gray = (level: number, side = 4) => ({
  width: side,
  height: side,
  pixels: new Uint8Array(side * side * 3).fill(level),
});

/** The picture of a sheet, pixel by pixel. */
function pixelsOf(sheet: Sheet) {
  const { width, height, pixels } = pictureIn(sheet.png());
  expect([width, height]).toEqual([sheet.width, sheet.height]);
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
