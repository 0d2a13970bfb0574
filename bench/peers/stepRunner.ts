import type { StepProblem } from "../stepProblem.ts";

/** The reference step of one library, on a device of its own, ready to run. */
export interface StepRunner {
  /** One whole training step; gives the loss before its update, once the host has it. */
  step(): Promise<number>;
  /** Gradients of the first step under timm's names and in timm's shapes; asked for after exactly one step. */
  gradients(): Promise<Map<string, Float32Array>>;
  close(): Promise<void>;
}

/** A library with its device open: the first step of a problem comes next. */
export interface OpenLibrary {
  start(problem: StepProblem): Promise<StepRunner>;
}
