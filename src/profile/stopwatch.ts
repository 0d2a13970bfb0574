import { compile } from "../engine/capture/compile.ts";
import type { Device } from "../engine/gpu/device.ts";

/** Milliseconds of a clock that only moves forward. */
export type Clock = () => number;

/** A sample keeps the GPU busy for this long, so that the wait for its end does not count. */
const SAMPLE_MS = 8;
/** Samples are taken for so long, one at least: the fastest counts. */
const ALL_MS = 4 * SAMPLE_MS;
/** Work is recorded so often in a step at most: then the host records it faster than any GPU does it. */
const MOST = 64;

/** Milliseconds of one run of a step, of several submitted together. */
async function timed(device: Device, now: Clock, step: { run(): unknown }, runs: number): Promise<number> {
  await device.finish();
  const start = now();
  for (let i = 0; i < runs; i++) step.run();
  await device.finish();
  return (now() - start) / runs;
}

/** Seconds that `work`, recorded in a step, takes at least: one launch of each of its dispatches, and nothing of the host. */
export async function leastSeconds(device: Device, now: Clock, work: () => void): Promise<number> {
  const recorded = (times: number) => {
    const step = () => {
      for (let i = 0; i < times; i++) work();
      return {};
    };
    return compile(device, step, { fuse: false });
  };
  let count = 1;
  let step = await recorded(count);
  await timed(device, now, step, 1); // memory is touched, clocks rise
  let ms = await timed(device, now, step, 1);
  if (ms < SAMPLE_MS / 2) {
    await step.dispose();
    count = Math.min(MOST, Math.ceil(SAMPLE_MS / Math.max(ms, SAMPLE_MS / MOST)));
    step = await recorded(count);
    ms = await timed(device, now, step, 1);
  }
  const runs = Math.ceil(SAMPLE_MS / Math.max(ms, SAMPLE_MS / 1000));
  for (let spent = 0; spent < ALL_MS; ) {
    const sample = await timed(device, now, step, runs);
    spent += Math.max(sample * runs, ALL_MS / 100); // a coarse clock may stand still
    ms = Math.min(ms, sample);
  }
  await step.dispose();
  return ms / count / 1000;
}
