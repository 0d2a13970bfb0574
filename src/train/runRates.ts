import type { Optimizer } from "../engine/optim/optimizer.ts";
import type { Schedule } from "../engine/step/schedule.ts";
import { scheduleOf } from "../models/recipe.ts";
import type { RunSettings } from "./run.ts";

/** What moves the parameters of a run, by step. */
export interface RunRates {
  /** Learning rate. */
  rate: Schedule;
  /** The optimiser's numbers, and those of parameters that begin to move at `lateStart`, whose updates are counted from there. */
  rates(step: number): readonly number[];
  lateRates(step: number): readonly number[];
}

/** By the schedules of the settings. */
export function runRates(
  optimizer: Optimizer,
  { lr, weightDecay, totalSteps }: Pick<RunSettings, "lr" | "weightDecay" | "totalSteps">,
  lateStart: number,
): RunRates {
  const rate = scheduleOf(lr, totalSteps);
  const decay = scheduleOf(weightDecay, totalSteps);
  const ratesFrom = (start: number) => (step: number) =>
    optimizer.numbers({ step: Math.max(0, step + 1 - start), lr: rate(step), weightDecay: decay(step) });
  return { rate, rates: ratesFrom(0), lateRates: ratesFrom(lateStart) };
}
