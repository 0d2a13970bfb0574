import type { TimedDispatch } from "../engine/capture/timing.ts";
import { boundMs, type Roofline } from "./roofline.ts";

/** All dispatches of one kernel in a step. */
export interface KernelRow {
  kernel: string;
  count: number;
  ms: number;
  /** Of the time of all dispatches, in [0, 1]. */
  share: number;
  /** Null where the kernel's caller declares no arithmetic. */
  gigaflopsPerSecond: number | null;
  gigabytesPerSecond: number;
  /** The time the roofline allows over the time measured: 1 is as fast as the adapter goes. */
  rooflineShare: number;
}

export interface ByKernelOptions {
  /** A row for each shape of a kernel that declares one. */
  shapes?: boolean;
}

/** A step's time by kernel, most first, with the rates reached and the share of the roofline. */
export function byKernel(
  dispatches: readonly TimedDispatch[],
  roofline: Roofline,
  { shapes = false }: ByKernelOptions = {},
): KernelRow[] {
  const total = totalMs(dispatches);
  const groups = new Map<string, TimedDispatch[]>();
  for (const dispatch of dispatches) {
    const { kernel, shape } = dispatch;
    const name = shapes && shape ? `${kernel} ${shape.join("x")}` : kernel;
    groups.set(name, [...(groups.get(name) ?? []), dispatch]);
  }
  const rows = [...groups].map(([kernel, members]): KernelRow => {
    const ms = totalMs(members);
    const sum = (of: (member: TimedDispatch) => number) =>
      members.reduce((all, member) => all + of(member), 0);
    const perMs = (amount: number) => (ms > 0 ? amount / ms : 0);
    return {
      kernel,
      count: members.length,
      ms,
      share: total > 0 ? ms / total : 0,
      gigaflopsPerSecond: members.some(({ flops }) => flops !== undefined)
        ? perMs(sum(({ flops = 0 }) => flops)) / 1e6
        : null,
      gigabytesPerSecond: perMs(sum(({ bytes }) => bytes)) / 1e6,
      rooflineShare: perMs(sum((member) => boundMs(member, roofline))),
    };
  });
  return rows.sort((a, b) => b.ms - a.ms);
}

/** Time of all dispatches together. */
export const totalMs = (dispatches: readonly TimedDispatch[]): number =>
  dispatches.reduce((sum, { durationNs }) => sum + durationNs, 0) / 1e6;

/** Several runs of one step as one: each dispatch with its median duration, and its start in the last run. */
export function medianRun(runs: readonly (readonly TimedDispatch[])[]): TimedDispatch[] {
  const last = runs.at(-1);
  if (!last) throw new Error("medianRun: needs at least one run; got none");
  return last.map((dispatch, i) => {
    const times = runs.map((run) => run[i]!.durationNs).sort((a, b) => a - b);
    const [low, high] = [times[(times.length - 1) >> 1]!, times[times.length >> 1]!];
    return { ...dispatch, durationNs: (low + high) / 2 };
  });
}

/** A rate in three digits, a large one in whole numbers: 0.0124, 12.0, 2980. */
export const rateText = (rate: number): string => (rate < 100 ? rate.toPrecision(3) : rate.toFixed(0));

/** The rows as text, a line for the whole last: what the command line and the page show. */
export function kernelTable(rows: readonly KernelRow[]): { header: string[]; lines: string[][] } {
  const sum = (of: (row: KernelRow) => number) => rows.reduce((all, row) => all + of(row), 0);
  const percent = (share: number) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
  const lines = rows.map((row) => [
    row.kernel,
    String(row.count),
    row.ms.toFixed(3),
    percent(row.share),
    row.gigaflopsPerSecond === null ? "" : rateText(row.gigaflopsPerSecond),
    rateText(row.gigabytesPerSecond),
    percent(row.rooflineShare),
  ]);
  const ms = sum((row) => row.ms);
  const ofRoofline = ms > 0 ? sum((row) => row.rooflineShare * row.ms) / ms : 0;
  const all = [String(sum((row) => row.count)), ms.toFixed(3), percent(1), "", "", percent(ofRoofline)];
  return {
    header: ["kernel", "count", "ms", "share", "GFLOP/s", "GB/s", "of roofline"],
    lines: [...lines, ["all", ...all]],
  };
}
