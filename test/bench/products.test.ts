import { expect, test } from "vitest";
import { checkedRows } from "../../bench/ops/products.ts";

test("the rows that are checked lie all over a matrix, the first and the last among them", () => {
  expect(checkedRows(15)).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
  expect(checkedRows(12_608).at(-1)).toBe(12_607);
  expect(checkedRows(3)).toEqual([0, 1, 2]);
  expect(checkedRows(1)).toEqual([0]);
});
