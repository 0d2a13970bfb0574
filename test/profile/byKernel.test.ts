import { expect, test } from "vitest";
import type { TimedDispatch } from "../../src/engine/capture/timing.ts";
import { byKernel, kernelTable, medianRun, rateText } from "../../src/profile/byKernel.ts";
import { boundMs, ceilings } from "../../src/profile/roofline.ts";

/** 4 GFLOP/s and 2 GB/s: a millisecond allows 4,000,000 operations or 2,000,000 bytes. */
const ROOFLINE = { gigaflopsPerSecond: 4, gigabytesPerSecond: 2 };

const dispatch = (
  kernel: string,
  ms: number,
  bytes: number,
  own: Partial<TimedDispatch> = {},
): TimedDispatch => ({ kernel, workgroups: [1, 1, 1], startNs: 0, durationNs: ms * 1e6, bytes, ...own });

const STEP = [
  dispatch("matmul", 1, 1e6, { flops: 2e6, shape: [2, 3] }), // bound: 0.5 ms either way
  dispatch("add", 6, 6e6), // 3 ms
  dispatch("matmul", 2, 1e6, { flops: 6e6, shape: [4, 5] }), // 1.5 ms of arithmetic
  dispatch("matmul", 1, 1e6, { flops: 2e6, shape: [2, 3] }),
];

test("the roofline's time is that of arithmetic or of bytes, whichever is more", () => {
  expect(boundMs({ flops: 8e6, bytes: 1e6 }, ROOFLINE)).toBe(2);
  expect(boundMs({ flops: 8e6, bytes: 6e6 }, ROOFLINE)).toBe(3);
  expect(boundMs({ bytes: 1e6 }, ROOFLINE)).toBe(0.5);
});

test("in f16 what rounds its operands has a ceiling of its own, and nothing else has it", () => {
  const roofline = { ...ceilings("f16", 4, 40), gigabytesPerSecond: 2 };
  expect(boundMs({ flops: 8e6, bytes: 0, roundsOperands: true }, roofline)).toBe(0.2);
  expect(boundMs({ flops: 8e6, bytes: 0 }, roofline)).toBe(2);
  const slow = { ...ceilings("f16", 4, 3), gigabytesPerSecond: 2 }; // multiplied in f32, by a kernel that is no better
  expect(boundMs({ flops: 8e6, bytes: 0, roundsOperands: true }, slow)).toBe(2);
  expect(ceilings("f32", 4, 5)).toEqual({ gigaflopsPerSecond: 5 });
  expect(boundMs({ flops: 8e6, bytes: 0, roundsOperands: true }, ROOFLINE)).toBe(2);
});

test("dispatches are summed by kernel, the slowest first", () => {
  expect(byKernel(STEP, ROOFLINE)).toEqual([
    {
      kernel: "add",
      count: 1,
      ms: 6,
      share: 0.6,
      gigaflopsPerSecond: null,
      gigabytesPerSecond: 1,
      rooflineShare: 0.5,
    },
    {
      kernel: "matmul",
      count: 3,
      ms: 4,
      share: 0.4,
      gigaflopsPerSecond: 2.5,
      gigabytesPerSecond: 0.75,
      rooflineShare: 0.625,
    },
  ]);
});

test("shapes get rows of their own if asked for", () => {
  const rows = byKernel(STEP, ROOFLINE, { shapes: true });
  expect(rows.map(({ kernel, count }) => [kernel, count])).toEqual([
    ["add", 1],
    ["matmul 2x3", 2],
    ["matmul 4x5", 1],
  ]);
});

test("a step whose clock has not moved has no rates, and none that are not numbers", () => {
  const [row] = byKernel([dispatch("add", 0, 8)], ROOFLINE);
  expect(row).toMatchObject({ ms: 0, share: 0, gigabytesPerSecond: 0, rooflineShare: 0 });
});

test("several runs become one with each dispatch's median time", () => {
  const run = (...times: number[]) => times.map((ms, i) => dispatch("k", ms, 0, { startNs: i }));
  const times = (...runs: TimedDispatch[][]) => medianRun(runs).map(({ durationNs }) => durationNs / 1e6);
  expect(times(run(5, 1), run(1, 2), run(3, 9))).toEqual([3, 2]);
  expect(times(run(5, 1), run(1, 2))).toEqual([3, 1.5]);
  expect(() => medianRun([])).toThrow("medianRun: needs at least one run; got none");
});

test("a rate has three digits, or all of its whole ones, and no exponent", () => {
  expect([0.012_44, 2, 19, 99.94, 99.96, 100.4, 2980.2, 66_900].map(rateText)).toEqual([
    "0.0124",
    "2.00",
    "19.0",
    "99.9",
    "100",
    "100",
    "2980",
    "66900",
  ]);
});

test("the table ends with the whole step", () => {
  const { header, lines } = kernelTable(byKernel(STEP, ROOFLINE));
  expect(header).toEqual(["kernel", "count", "ms", "share", "GFLOP/s", "GB/s", "of roofline"]);
  expect(lines).toEqual([
    ["add", "1", "6.000", "60 %", "", "1.00", "50 %"],
    ["matmul", "3", "4.000", "40 %", "2.50", "0.750", "63 %"],
    ["all", "4", "10.000", "100 %", "", "", "55 %"],
  ]);
});
