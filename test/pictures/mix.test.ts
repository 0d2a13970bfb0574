import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";
import { drawMix, type MixOptions, mixPictures } from "../../src/pictures/mix.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";
import { expectMean, mean } from "./expectMean.ts";

const SIDE = 24;
const COUNT = 4000;

/** What many steps draw. */
const draws = (options: Partial<MixOptions>): number[][] =>
  Array.from({ length: COUNT }, (_, step) =>
    drawMix({ mixup: 0, cutmix: 0, switchProb: 0.5, ...options }, SIDE, new Random(5, "mixup", step)),
  );

describe("what is drawn", () => {
  test.each([0.2, 0.8, 1, 3])("mixup: shares have the moments of Beta(%f, %f)", (a) => {
    const rows = draws({ mixup: a });
    const shares = rows.map(([share]) => share!);
    for (const [share, ...rest] of rows) expect(rest).toEqual([0, 0, 0, 0, share]);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    for (const [power, moment] of [
      [1, 0],
      [2, 1 / (4 * (2 * a + 1))],
      [3, 0],
      [4, 3 / (16 * (2 * a + 1) * (2 * a + 3))],
    ] as const) {
      const found = shares.map((share) => (share - 0.5) ** power);
      expectMean(`moment ${power}`, found, moment);
    }
  });

  test("cutmix: the share of the label is what the box leaves, and boxes are as large as 1 - Beta says", () => {
    const rows = draws({ cutmix: 1 });
    for (const [share, top, left, bottom, right, label] of rows) {
      expect(share).toBe(1);
      for (const edge of [top!, left!, bottom!, right!]) {
        expect(Number.isInteger(edge) && edge >= 0 && edge <= SIDE).toBe(true);
      }
      expect(label).toBeCloseTo(1 - ((bottom! - top!) * (right! - left!)) / SIDE ** 2, 12);
    }
    // The mean of one side of the box over all centres, for a side of the whole box.
    const cutOff = (cut: number): number => {
      const half = Math.floor(cut / 2);
      const sides = Array.from({ length: SIDE }, (_, c) => Math.min(SIDE, c + half) - Math.max(0, c - half));
      return mean(sides) / SIDE;
    };
    const grid = Array.from({ length: 10_000 }, (_, i) => (i + 0.5) / 10_000);
    const expected = 1 - mean(grid.map((share) => cutOff(Math.trunc(SIDE * Math.sqrt(1 - share))) ** 2));
    const labels = rows.map((row) => row[5]!);
    expectMean("share of the label", labels, expected);
    for (const low of [1, 2]) {
      const middles = rows.map((row) => (row[low]! + row[low + 2]!) / 2);
      expect(Math.abs(mean(middles) - SIDE / 2)).toBeLessThan(1); // centres are 0 to SIDE - 1
    }
  });

  test("where there are both, a share of the steps is cut; where there is neither, nothing is mixed", () => {
    const cuts = (options: Partial<MixOptions>) =>
      draws(options).map((row) => Number(row[0] === 1 && row[5] !== 1));
    const both = cuts({ mixup: 0.8, cutmix: 1, switchProb: 0.3 });
    // Of boxes without a pixel there are some: of a side below 2, a share of (2 / 24)² of all.
    const expected = 0.3 * (1 - (2 / SIDE) ** 2);
    expectMean("share of steps", both, expected);
    expect(mean(cuts({ mixup: 0.8 }))).toBe(0);
    expect(mean(draws({ cutmix: 1, switchProb: 0 }).map(([share]) => share!))).toBe(1);
    expect(new Set(draws({}).map(String))).toEqual(new Set(["1,0,0,0,0,1"]));
  });
});

const on = withDevice();

test("pictures are mixed with those of the batch in reverse order, as a loop does", async () => {
  const { device } = on;
  const [batch, height, width] = [4, 5, 7];
  const next = testRandom(3);
  const levels = Float32Array.from({ length: batch * height * width * 3 }, () => 255 * next());
  const images = Tensor.from(device, levels, [batch, height, width, 3]);
  const at = (picture: number, y: number, x: number, c: number) =>
    levels[((picture * height + y) * width + x) * 3 + c]!;
  for (const mix of [
    [0.3, 0, 0, 0, 0, 0.3],
    [1, 1, 2, 4, 6, 0.6],
    [1, 0, 6, 1, 7, 0.9],
    [1, 0, 0, 0, 0, 1],
    [1, 0, 0, 5, 7, 0],
  ]) {
    const [share, top, left, bottom, right] = mix as [number, number, number, number, number];
    const y = await mixPictures(images, Tensor.from(device, mix, [6])).read();
    let i = 0;
    for (let picture = 0; picture < batch; picture++) {
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          const isCut = row >= top && row < bottom && column >= left && column < right;
          for (let c = 0; c < 3; c++, i++) {
            const [own, partner] = [at(picture, row, column, c), at(batch - 1 - picture, row, column, c)];
            const expected = isCut ? partner : share * own + (1 - share) * partner;
            if (Math.abs(y[i]! - expected) > 1e-4) expect.fail(`[${mix}] at ${i}: ${y[i]}, not ${expected}`);
          }
        }
      }
    }
    expect(i).toBe(y.length);
  }
});
