import { describe, expect, test } from "vitest";
import { type BlockMaskOptions, blockMask, randomMask } from "../../src/models/blockMasks.ts";
import { testRandom } from "../array64.ts";

const DRAWS = 4000;
const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
const draw = (options: BlockMaskOptions, seed: number): Uint8Array[] => {
  const next = testRandom(seed);
  return Array.from({ length: DRAWS }, () => blockMask(options, next));
};
/** Four standard errors of a share. */
const slack = (p: number): number => 4 * Math.sqrt((p * (1 - p)) / DRAWS);

describe("BEiT's blocks: 75 of 14 x 14, at least 16", () => {
  const masks = draw({ rows: 14, columns: 14, count: 75, minBlock: 16 }, 1);
  const counts = masks.map(sum);

  test("reach 75 in two of three draws, because ten failures end a picture", () => {
    const reached = counts.filter((count) => count === 75).length / DRAWS;
    expect(Math.abs(reached - 0.672)).toBeLessThan(slack(0.672)); // two simulations of the official code: .667 and .675
    expect(Math.max(...counts)).toBe(75);
    expect(Math.abs(sum(counts) / DRAWS - 74.49)).toBeLessThan(0.07); // deviation .96
  });

  test("hide the middle often and corners hardly ever", () => {
    const share = (row: number, column: number) => sum(masks.map((mask) => mask[row * 14 + column]!)) / DRAWS;
    expect(Math.abs(share(7, 7) - 0.715)).toBeLessThan(slack(0.715) + 0.005);
    expect(Math.abs(share(0, 0) - 0.042)).toBeLessThan(slack(0.042));
  });
});

test("on 8 x 8, 26 with blocks of at least 5 are reached by 94 %, of at least 16 by 73 %", () => {
  for (const [minBlock, share] of [
    [5, 0.944],
    [16, 0.725],
  ] as const) {
    const counts = draw({ rows: 8, columns: 8, count: 26, minBlock }, minBlock).map(sum);
    const reached = counts.filter((count) => count === 26).length / DRAWS;
    expect(Math.abs(reached - share)).toBeLessThan(slack(share) + 0.005);
  }
});

test("CAE's blocks always hide exactly what was asked", () => {
  for (const [side, count, minBlock] of [
    [14, 98, 16],
    [8, 32, 5],
  ] as const) {
    const masks = draw({ rows: side, columns: side, count, minBlock, exact: true }, side);
    expect(masks.every((mask) => sum(mask) === count)).toBe(true);
  }
});

test("iBOT's count may be a fraction of the grid, which is not exceeded", () => {
  const counts = draw({ rows: 8, columns: 8, count: 0.3 * 64, minBlock: (8 / 4) ** 2 }, 3).map(sum);
  expect(Math.max(...counts)).toBe(19);
  expect(Math.min(...counts)).toBeGreaterThan(8);
});

test("random masks hide each patch equally often", () => {
  const next = testRandom(9);
  const masks = Array.from({ length: DRAWS }, () => randomMask(16, 5, next));
  expect(masks.every((mask) => sum(mask) === 5)).toBe(true);
  for (let patch = 0; patch < 16; patch++) {
    expect(Math.abs(sum(masks.map((mask) => mask[patch]!)) / DRAWS - 5 / 16)).toBeLessThan(slack(5 / 16));
  }
});

test("a count beyond the grid is refused", () => {
  expect(() => blockMask({ rows: 4, columns: 4, count: 16, minBlock: 4 }, () => 0)).toThrow(
    "blockMask: count must be from 0 to below the 16 patches; got 16",
  );
  expect(() => blockMask({ rows: 4, columns: 4, count: 2.5, minBlock: 4, exact: true }, () => 0)).toThrow(
    "whole",
  );
});
