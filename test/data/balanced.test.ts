import { expect, test } from "vitest";
import { balanced } from "../../src/data/balanced.ts";

/** Labels of classes with these sizes, one block after the other. */
const blocks = (...sizes: number[]): number[] =>
  sizes.flatMap((size, label) => new Array<number>(size).fill(label));
/** How many of each label are chosen. */
function counts(sizes: number[], limit: number): number[] {
  const labels = blocks(...sizes);
  const chosen = [...balanced(labels, limit)];
  expect(chosen).toEqual([...new Set(chosen)].sort((a, b) => a - b));
  return sizes.map((_, label) => chosen.filter((i) => labels[i] === label).length);
}

test.each<[number[], number, number[]]>([
  [[60, 60], 60, [30, 30]],
  [[100, 3, 3, 3], 24, [15, 3, 3, 3]],
  [[100, 3, 3, 3], 60, [51, 3, 3, 3]],
  [[4, 4, 4], 5, [2, 2, 1]],
  [[4, 4, 4, 4], 2, [1, 0, 1, 0]],
  [[1, 2, 3], 6, [1, 2, 3]],
  [[1, 2, 3], 99, [1, 2, 3]],
  [[5], 3, [3]],
  [[], 3, []],
])("classes of %j, %i asked for", (sizes, limit, expected) => {
  expect(counts(sizes, limit)).toEqual(expected);
});

test("it takes the first of each label and keeps the order, whatever the labels", () => {
  expect([...balanced([7, 7, -1, 7, -1, 2], 4)]).toEqual([0, 2, 4, 5]);
});

test("a million pictures of unequal classes", () => {
  const sizes = Array.from({ length: 1000 }, (_, i) => 500 + i);
  expect(balanced(blocks(...sizes), 500_123)).toHaveLength(500_123);
});
