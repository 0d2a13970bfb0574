import type { Device } from "../src/engine/gpu/device.ts";
import { tuneKernels } from "../src/engine/ops/tune.ts";
import { tuneSummary } from "../src/profile/tuneTable.ts";
import { planRun } from "../src/train/plan.ts";
import type { RunSettings } from "../src/train/run.ts";
import { saveTuning } from "./tuningStore.ts";

/** Timed runs of each kernel; a person waits. */
const ROUNDS = 3;

/** Measures the kernels for the shapes of a run, stores the choices, and says in a sentence what came of it. */
export async function tuneRun(
  device: Device,
  settings: RunSettings,
  onProgress: (done: number, total: number) => void,
): Promise<string> {
  planRun(device, settings, { withoutImages: true });
  await saveTuning(device); // a browser that stores nothing is better known before the measuring
  let done = 0;
  const tuned = await tuneKernels(device, {
    now: () => performance.now(),
    rounds: ROUNDS,
    onTuned: () => onProgress(++done, device.tuning.asked.size),
  });
  await saveTuning(device);
  return tuneSummary(tuned);
}
