import type { CallCounts } from "./measure/gpuCalls.ts";
import type { Summary } from "./measure/samples.ts";

/** What one step does in a process of its own, driver cache cold. */
export interface StepAlone {
  openMs: number;
  /** Weights, capture, pipelines, and the first step until its loss is on the host. */
  firstCallMs: number;
  peakBytes: number;
  /** Calls of one step in steady state, waiting included, the loss left on the GPU. */
  perStep: CallCounts;
  /** Host time of one step before `submit`, and within it. */
  encodeMs: number;
  submitMs: number;
  dispatches: number;
  parameters: number;
  batch: number;
  /** Memory of what lives inside the step: as planned, and the least possible. */
  planBytes: number;
  planLowerBound: number;
  loss: number;
}

/** What `bench -- step` says of a step. */
export interface StepFigures {
  /** Of one step. */
  ms: Summary;
  imagesPerSecond: number;
  alone: StepAlone;
}
