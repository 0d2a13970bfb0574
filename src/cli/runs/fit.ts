import type { Device } from "../../engine/gpu/device.ts";
import { LimitError } from "../../engine/gpu/memory.ts";
import { batchesOf, largestBatch, type PlanOptions, planRun, type RunPlan } from "../../train/plan.ts";
import type { RunSettings } from "../../train/run.ts";
import { isSoftware } from "../system/dawn.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { mainMemory } from "../system/memory.ts";

/**
 * What a run needs, before anything is allocated or compiled. One that cannot fit is a `UsageError` that names the
 * largest batch that would. A software adapter's memory is the machine's; a GPU's is not known.
 */
export const planOrRefuse = (
  device: Device,
  settings: RunSettings,
  options: Omit<PlanOptions, "memory"> = {},
): Promise<RunPlan> =>
  asUsage(() => {
    const known = { ...options, ...(isSoftware(device.info) ? { memory: mainMemory() } : {}) };
    const { batchSize } = settings;
    const found = planOrRule(device, settings, known);
    if (typeof found !== "string") return found;
    const largest = largestBatch(device, settings, known);
    if (largest > 0) {
      throw new UsageError(
        `--batch ${batchSize} does not fit: ${found}. The largest batch that fits is ${largest}`,
      );
    }
    const { least } = batchesOf(settings);
    const one = planOrRule(device, { ...settings, batchSize: least }, known);
    throw new UsageError(
      `--batch ${batchSize} does not fit, nor does ${least}: ${one}. Use a smaller model or --image-size`,
    );
  });

/** The plan of a run, or the limit it exceeds in words. */
function planOrRule(device: Device, settings: RunSettings, options: PlanOptions): RunPlan | string {
  try {
    return planRun(device, settings, options);
  } catch (error) {
    if (error instanceof LimitError) return error.rule;
    throw error;
  }
}
