import type { Summary } from "./measure/samples.ts";

/** What `bench -- precision` measures of a run in one precision. */
export interface CourseFigures {
  /** What the adapter multiplies by. */
  how: string;
  firstLoss: number;
  lastLoss: number;
  /** Steps that overflowed. */
  skipped: number;
  /** k-NN accuracy of the encoder at the end. */
  knn: number;
  /** Of a step, timed in turns with the other precision's. */
  ms: Summary;
  imagesPerSecond: number;
}

/** A run in f32 and the same in f16. */
export interface PrecisionFigures {
  model: string;
  batchSize: number;
  totalSteps: number;
  f32: CourseFigures;
  f16: CourseFigures;
  /** The largest relative difference of two losses of one step. */
  lossDifference: number;
}
