import { expect, test } from "vitest";
import type { Tuned } from "../../src/engine/ops/tune.ts";
import { speedup, tuneSummary, tuneTable } from "../../src/profile/tuneTable.ts";

const shape = { m: 8, n: 8, k: 8, batch: 1, transposeA: false, transposeB: false };
const changed: Tuned = {
  name: "first",
  shape,
  best: "workgroup64",
  shipped: "workgroup32",
  times: [
    { method: "workgroup64", ms: 2 },
    { method: "register", ms: 3 },
    { method: "workgroup32", ms: 5 },
  ],
  skipped: [],
};
const same: Tuned = { ...changed, name: "second", shipped: "workgroup64", skipped: ["a", "b"] };
const unknown: Tuned = { ...changed, name: "third", shipped: "a", skipped: ["a"] };

test("the speed-up is the shipped method's time over the fastest's, where it was timed", () => {
  expect([changed, same, unknown].map(speedup)).toEqual([2.5, 1, null]);
});

test("a class is a line", () => {
  const { header, lines } = tuneTable([changed, same, unknown]);
  expect(lines).toEqual([
    ["first", "workgroup64", "2.000", "2.50", ""],
    ["second", "workgroup64", "2.000", "1.00", "a, b"],
    ["third", "workgroup64", "2.000", "–", "a"],
  ]);
  for (const line of lines) expect(line).toHaveLength(header.length);
});

test("the summary counts what differs from what ships", () => {
  expect(tuneSummary([changed, same])).toMatch(
    /^2 classes of shapes: for 1 another .* shipped, up to 2\.50 times\.$/,
  );
  expect(tuneSummary([same])).toMatch(/: for 0 another kernel is faster than the shipped\.$/);
  expect(tuneSummary([unknown])).toMatch(/: for 1 another kernel is faster than the shipped\.$/);
});
