import { describe, expect, test } from "vitest";
import { IGNORED } from "../../src/data/pixelSet.ts";
import { type LabelledPicture, segmentationCrop } from "../../src/data/segmentationCrop.ts";
import { testRandom } from "../array64.ts";

/** Labels by a rule, and pixels that tell them: red is 10 label, green the column, blue the row. */
function picture(side: number, labelAt: (x: number, y: number) => number): LabelledPicture {
  const [pixels, labels] = [new Uint8Array(side * side * 3), new Uint16Array(side * side)];
  for (let at = 0; at < side * side; at++) {
    const [x, y] = [at % side, Math.floor(at / side)];
    labels[at] = labelAt(x, y);
    pixels.set([10 * labels[at]!, x, y], 3 * at);
  }
  return { width: side, height: side, pixels, labels };
}

const checks = (x: number, y: number): number => (x + y) % 2;
/** The number that scales by 1. */
const WHOLE = 1 / 3;
const NO = 0.9;
/** Numbers in turn, and then coins on no. */
const inTurn = (...numbers: number[]) => ({
  next: () => numbers.shift() ?? NO,
  left: numbers,
});

describe("segmentationCrop", () => {
  test("a piece is where its corner was drawn, labels with pixels", () => {
    const { next, left } = inTurn(WHOLE, 0.5, 0.99);
    const piece = segmentationCrop(picture(12, checks), 8, next);
    expect(left).toEqual([]);
    expect([piece.width, piece.height]).toEqual([8, 8]);
    for (let at = 0; at < 64; at++) {
      const [x, y] = [(at % 8) + 4, Math.floor(at / 8) + 2]; // floor(.99 · 5), floor(.5 · 5)
      expect([...piece.pixels.subarray(3 * at, 3 * at + 3)]).toEqual([10 * checks(x, y), x, y]);
      expect(piece.labels[at]).toBe(checks(x, y));
    }
  });

  test("the mirror turns both", () => {
    const draw = (coin: number) => segmentationCrop(picture(9, checks), 8, inTurn(WHOLE, 0, 0, coin).next);
    const [plain, turned] = [draw(NO), draw(0.1)];
    for (let at = 0; at < 64; at++) {
      const from = at - (at % 8) + 7 - (at % 8);
      expect(turned.labels[at]).toBe(plain.labels[from]);
      expect(turned.pixels[3 * at + 1]).toBe(plain.pixels[3 * from + 1]);
    }
    expect(turned.labels).not.toEqual(plain.labels);
  });

  test("one half of the size gives less than the side, twice gives as much", () => {
    expect(segmentationCrop(picture(12, checks), 8, inTurn(0).next)).toMatchObject({ width: 6, height: 6 });
    const twice = segmentationCrop(picture(12, checks), 8, inTurn(1, 0, 0).next);
    expect(twice.labels).toEqual(
      Uint16Array.from({ length: 64 }, (_, at) => checks((at % 8) >> 1, Math.floor(at / 8) >> 1)),
    );
  });

  test("a piece of one class, or with .75 of one, is drawn again", () => {
    const halves = picture(12, (x) => (x < 8 ? 0 : 1));
    // Lefts 0, 5 and 6: one class alone, three columns of four, two and two.
    const { next, left } = inTurn(WHOLE, 0, 0, 0, 0.6, 0, 0.7);
    const piece = segmentationCrop(halves, 4, next);
    expect(left).toEqual([]);
    expect(piece.pixels[1]).toBe(6);
    expect([...piece.labels.subarray(0, 4)]).toEqual([0, 0, 1, 1]);
  });

  test("at most ten times", () => {
    const numbersFor = (labelAt: (x: number, y: number) => number): number => {
      let numbers = 0;
      segmentationCrop(picture(12, labelAt), 4, () => {
        numbers++;
        return WHOLE;
      });
      return numbers;
    };
    expect(numbersFor(() => 0) - numbersFor(checks)).toBe(10 * 2);
  });

  test("ignored pixels have no share", () => {
    const sparse = picture(12, (x, y) => (y > 0 ? IGNORED : x % 2));
    const { next, left } = inTurn(WHOLE, 0, 0);
    const piece = segmentationCrop(sparse, 12, next);
    expect(left).toEqual([]); // no other piece was drawn
    expect(piece.labels).toEqual(sparse.labels);
  });

  test("sizes are up to the side, and each piece has its labels", () => {
    const next = testRandom(5);
    const widths = Array.from({ length: 60 }, () => {
      const { width, height, pixels, labels } = segmentationCrop(picture(20, checks), 16, next);
      expect([pixels.length, labels.length]).toEqual([3 * width * height, width * height]);
      return width;
    });
    expect(Math.max(...widths)).toBe(16);
    expect(new Set(widths).size).toBeGreaterThan(3); // half the size to .8 of it is less than the side
  });
});
