// Chrome's trace event format, which chrome://tracing and ui.perfetto.dev open.
import type { TimedDispatch } from "../engine/capture/timing.ts";

type Metadata = {
  name: "process_name" | "thread_name";
  ph: "M";
  pid: number;
  tid: number;
  args: { name: string };
};

/** One dispatch; times in microseconds. */
interface Complete {
  name: string;
  cat: "gpu";
  ph: "X";
  ts: number;
  dur: number;
  pid: number;
  tid: number;
  args: { workgroups: string; bytes: number; flop?: number; shape?: string };
}

export interface ChromeTrace {
  traceEvents: (Metadata | Complete)[];
  displayTimeUnit: "ns";
}

const PLACE = { pid: 1, tid: 1 } as const;

/** A profiled step as a trace: one process, one thread, a complete event for each dispatch. */
export function chromeTrace(
  dispatches: readonly TimedDispatch[],
  { process, thread }: { process: string; thread: string },
): ChromeTrace {
  const named = (name: Metadata["name"], value: string): Metadata => ({
    name,
    ph: "M",
    ...PLACE,
    args: { name: value },
  });
  const events = dispatches.map(
    ({ kernel, startNs, durationNs, workgroups, bytes, flops, shape }): Complete => ({
      name: kernel,
      cat: "gpu",
      ph: "X",
      ts: startNs / 1000,
      dur: durationNs / 1000,
      ...PLACE,
      args: {
        workgroups: workgroups.join("x"),
        bytes,
        ...(flops === undefined ? {} : { flop: flops }),
        ...(shape === undefined ? {} : { shape: shape.join("x") }),
      },
    }),
  );
  return {
    traceEvents: [named("process_name", process), named("thread_name", thread), ...events],
    displayTimeUnit: "ns",
  };
}
