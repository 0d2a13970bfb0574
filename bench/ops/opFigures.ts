// What `bench -- ops` says of an operation.
import type { Summary } from "../measure/samples.ts";

/** How far one case is from float64; `failure` says why there is no number. */
export interface OpCheck {
  size: string;
  name: string;
  shape: string;
  error: number;
  failure?: string;
}

/** How fast one case is. */
export interface OpFigures {
  size: string;
  name: string;
  shape: string;
  ms: Summary;
  gigaflopsPerSecond: number;
  gigabytesPerSecond: number;
  /** The time the roofline allows over the time taken. */
  rooflineShare?: number;
  error: number;
  dispatches: number;
}
