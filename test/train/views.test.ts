import { expect, test } from "vitest";
import { BOX_WORDS, fillBoxes, viewOf, wholeBoxes } from "../../src/train/views.ts";

const settings = { width: 64, height: 48, scale: [0.2, 1], seed: 7, epoch: 3, view: 0 } as const;

/** The boxes of a batch as rows. */
function boxes(indices: readonly number[], options: Parameters<typeof fillBoxes>[2] = settings): number[][] {
  const words = new Int32Array(indices.length * BOX_WORDS);
  fillBoxes(words, indices, options);
  return indices.map((_, i) => [...words.subarray(i * BOX_WORDS, (i + 1) * BOX_WORDS)]);
}

test("a box depends on the picture and not on the batch around it", () => {
  const [a, b, c] = boxes([5, 1000, 3]);
  expect(boxes([3, 77, 5, 1000])).toEqual([c, boxes([77])[0], a, b]);
  const view = viewOf(5, settings);
  expect(a).toEqual([5, view.top, view.left, view.height, view.width, Number(view.flip)]);
});

test("another seed, epoch, view or picture is another crop", () => {
  const keys = [{}, { seed: 8 }, { epoch: 4 }, { view: 1 }, { seed: 7 + 2 ** 32 }];
  const all = keys.flatMap((key) =>
    boxes([0, 1, 2 ** 29 - 1], { ...settings, ...key }).map((row) => row.slice(1).join()),
  );
  expect(new Set(all).size).toBe(all.length);
});

test("a copy has a box of its own wherever it stands, and the first one that of a picture alone", () => {
  const words = new Int32Array(3 * BOX_WORDS);
  fillBoxes(words, [5, 5, 9], settings, [0, 0, 1], [0, 2, 1]);
  const rows = [0, 1, 2].map((i) => [...words.subarray(i * BOX_WORDS, (i + 1) * BOX_WORDS)]);
  const boxOf = (index: number, copy: number) => {
    const { top, left, height, width, flip } = viewOf(index, { ...settings, copy });
    return [top, left, height, width, Number(flip)];
  };
  expect(rows).toEqual([
    [0, ...boxes([5])[0]!.slice(1)],
    [0, ...boxOf(5, 2)],
    [1, ...boxOf(9, 1)],
  ]);
  expect(new Set([0, 1, 2].map((copy) => boxOf(5, copy).join())).size).toBe(3);
  const secondView = boxes([5], { ...settings, view: 1 })[0]!.slice(1);
  expect([boxOf(5, 1), boxOf(5, 2)]).not.toContainEqual(secondView);
});

test("boxes lie inside, areas fill the range, half of them flip", () => {
  const rows = boxes(Array.from({ length: 4000 }, (_, i) => i));
  const shares = rows.map(([, top, left, height, width]) => {
    expect(Math.min(top!, left!)).toBeGreaterThanOrEqual(0);
    expect(top! + height!).toBeLessThanOrEqual(48);
    expect(left! + width!).toBeLessThanOrEqual(64);
    return (height! * width!) / (64 * 48);
  });
  expect(Math.min(...shares)).toBeGreaterThan(0.18);
  expect(Math.min(...shares)).toBeLessThan(0.22);
  expect(Math.max(...shares)).toBeGreaterThan(0.95);
  const flips = rows.filter((row) => row[5] === 1).length;
  expect(Math.abs(flips / 4000 - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / 4000)); // four standard deviations
});

test("neighbouring pictures, epochs and views are not correlated", () => {
  const lefts = (options: Partial<typeof settings> | object, from: number) =>
    boxes(
      Array.from({ length: 4000 }, (_, i) => i + from),
      { ...settings, scale: [0.25, 0.25], ratio: [1, 1], ...options },
    ).map(([, , left]) => left! / (64 - 28) - 0.5);
  const base = lefts({}, 0);
  for (const other of [lefts({}, 1), lefts({ epoch: 4 }, 0), lefts({ view: 1 }, 0)]) {
    const product = base.reduce((sum, v, i) => sum + v * other[i]!, 0) / 4000;
    expect(Math.abs(product)).toBeLessThan((4 * (1 / 12)) / Math.sqrt(4000)); // four standard deviations
  }
});

test("flips and crops can be switched off", () => {
  const still = { ...settings, scale: [1, 1], ratio: [4 / 3, 4 / 3], flip: 0 } as const;
  expect(boxes([4, 9], still).flat()).toEqual([...wholeBoxes([4, 9], settings)]);
  expect(boxes([1, 2, 3], { ...settings, flip: 1 }).map((row) => row[5])).toEqual([1, 1, 1]);
  expect(() => fillBoxes(new Int32Array(6), [1, 2], settings)).toThrow("6 for each of 2 pictures; got 6");
});
