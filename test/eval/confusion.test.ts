import { describe, expect, test } from "vitest";
import { IGNORED } from "../../src/data/pixelSet.ts";
import { ConfusionMatrix } from "../../src/eval/segmentation/confusion.ts";
import { testRandom } from "../array64.ts";

function scoresOf(classes: number, labels: readonly number[], predicted: readonly number[]) {
  const matrix = new ConfusionMatrix(classes);
  matrix.add(labels, predicted);
  return matrix.scores();
}

/** By sets of pixels, as the definition has it. */
function scores64(classes: number, labels: readonly number[], predicted: readonly number[]) {
  const kept = labels.flatMap((label, i) => (label === IGNORED ? [] : [{ label, given: predicted[i]! }]));
  const count = (keep: (pixel: { label: number; given: number }) => boolean) => kept.filter(keep).length;
  const perClass = Array.from({ length: classes }, (_, c) => {
    const intersection = count(({ label, given }) => label === c && given === c);
    const union = count(({ label, given }) => label === c || given === c);
    const own = count(({ label }) => label === c);
    return { iou: union ? intersection / union : null, acc: own ? intersection / own : null, pixels: own };
  });
  const meanOf = (values: (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return {
    mIoU: meanOf(perClass.map(({ iou }) => iou)),
    mAcc: meanOf(perClass.map(({ acc }) => acc)),
    aAcc: count(({ label, given }) => label === given) / kept.length,
    classes: perClass,
  };
}

describe("ConfusionMatrix", () => {
  test("by hand: ignored pixels are in no union, whatever is said of them", () => {
    const { mIoU, mAcc, aAcc, classes } = scoresOf(
      4,
      [0, 0, 0, 1, 1, IGNORED, IGNORED],
      [0, 0, 1, 1, 2, 0, 2],
    );
    expect(classes).toEqual([
      { iou: 2 / 3, acc: 2 / 3, pixels: 3 },
      { iou: 1 / 3, acc: 1 / 2, pixels: 2 },
      { iou: 0, acc: null, pixels: 0 }, // said, never so: 0 of the union, and no accuracy
      { iou: null, acc: null, pixels: 0 },
    ]);
    expect(mIoU).toBeCloseTo(1 / 3, 12);
    expect(mAcc).toBeCloseTo(7 / 12, 12);
    expect(aAcc).toBe(3 / 5);
  });

  test("agrees with the sets of the definition, in pieces as at once", () => {
    const next = testRandom(8);
    const draw = (n: number) => Math.floor(next() * n);
    const labels = Array.from({ length: 3000 }, () => (draw(5) === 0 ? IGNORED : draw(6)));
    const predicted = labels.map((label) => (draw(2) && label !== IGNORED ? label : draw(7)));
    const matrix = new ConfusionMatrix(8); // class 7 never occurs, class 6 is only said
    for (let at = 0; at < 3000; at += 700) {
      matrix.add(labels.slice(at, at + 700), predicted.slice(at, at + 700));
    }
    const expected = scores64(8, labels, predicted);
    const found = matrix.scores();
    expect(found.classes).toEqual(expected.classes);
    for (const key of ["mIoU", "mAcc", "aAcc"] as const) expect(found[key]).toBeCloseTo(expected[key], 12);
    expect(matrix.counts.reduce((sum, n) => sum + n, 0)).toBe(labels.filter((l) => l !== IGNORED).length);
  });

  test("everything right is 1, and guessing evenly 1 / (2 K - 1)", () => {
    const labels = Array.from({ length: 16_000 }, (_, i) => i % 4);
    expect(scoresOf(4, labels, labels)).toMatchObject({ mIoU: 1, mAcc: 1, aAcc: 1 });
    const evenly = labels.map((_, i) => Math.floor(i / 4) % 4);
    expect(scoresOf(4, labels, evenly)).toMatchObject({ mIoU: 1 / 7, mAcc: 1 / 4, aAcc: 1 / 4 });
  });

  test("what cannot be counted is refused", () => {
    expect(() => scoresOf(2, [0, 1], [0])).toThrow("every label needs a prediction; got 2 and 1");
    expect(() => scoresOf(2, [2], [0])).toThrow("must be below 2; got 2 and 0");
    expect(() => scoresOf(2, [0], [255])).toThrow("got 0 and 255");
    expect(() => scoresOf(2, [IGNORED], [0])).toThrow(/some pixel must be labelled; got none/);
  });
});
