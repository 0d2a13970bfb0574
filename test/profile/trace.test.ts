import { expect, test } from "vitest";
import type { TimedDispatch } from "../../src/engine/capture/timing.ts";
import { chromeTrace } from "../../src/profile/trace.ts";

const dispatches: TimedDispatch[] = [
  { kernel: "sum_rows", workgroups: [3, 1, 1], bytes: 400, startNs: 0, durationNs: 1500 },
  {
    kernel: "matmul_register",
    workgroups: [7, 2, 1],
    bytes: 96,
    flops: 48,
    shape: [1, 2, 3, 4],
    startNs: 2250,
    durationNs: 500,
  },
];

test("a trace holds its names and one complete event for each dispatch, in microseconds", () => {
  expect(chromeTrace(dispatches, { process: "a GPU", thread: "one step" })).toEqual({
    traceEvents: [
      { name: "process_name", ph: "M", pid: 1, tid: 1, args: { name: "a GPU" } },
      { name: "thread_name", ph: "M", pid: 1, tid: 1, args: { name: "one step" } },
      {
        name: "sum_rows",
        cat: "gpu",
        ph: "X",
        ts: 0,
        dur: 1.5,
        pid: 1,
        tid: 1,
        args: { workgroups: "3x1x1", bytes: 400 },
      },
      {
        name: "matmul_register",
        cat: "gpu",
        ph: "X",
        ts: 2.25,
        dur: 0.5,
        pid: 1,
        tid: 1,
        args: { workgroups: "7x2x1", bytes: 96, flop: 48, shape: "1x2x3x4" },
      },
    ],
    displayTimeUnit: "ns",
  });
});
