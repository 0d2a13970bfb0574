// What the page and its worker say to each other.
import type { MethodName } from "../src/models/methods.ts";
import type { KernelRow } from "../src/profile/byKernel.ts";
import type { Roofline } from "../src/profile/roofline.ts";
import type { ChromeTrace } from "../src/profile/trace.ts";
import type { ProgressRow } from "../src/train/loop.ts";
import type { SightRow } from "../src/train/sights.ts";

/** A run as the form states it. */
export interface Settings {
  method: MethodName;
  /** The method's own settings that were chosen. */
  config: Record<string, unknown>;
  model: string;
  batchSize: number;
  steps: number;
  seed: number;
  /** Highest learning rate of the run, for the batch as it is; the recipe's when absent. */
  learningRate?: number;
  /** Built-in pictures to train on, when there are no files. */
  pictures: number;
}

/** One training step, kernel by kernel. */
export interface StepProfile {
  rows: KernelRow[];
  roofline: Roofline;
  trace: ChromeTrace;
}

export type ToWorker =
  | { kind: "start"; settings: Settings; files: readonly File[] }
  /** Times one step of the run instead of making it. */
  | { kind: "profile"; settings: Settings; files: readonly File[] }
  /** Measures which kernels are fastest for the run, and stores it. */
  | { kind: "tune"; settings: Settings; files: readonly File[] }
  | { kind: "pause" }
  | { kind: "resume" };

/** How far something is that takes a while. */
export interface Share {
  done: number;
  of: number;
}

export type FromWorker =
  /** What the worker is busy with before the first step. */
  | { kind: "preparing"; what: string; share?: Share }
  | { kind: "adapter"; name: string }
  | { kind: "progress"; row: ProgressRow }
  /** Pictures as the networks see them after `step` steps. */
  | { kind: "sights"; step: number; rows: SightRow[] }
  /** The run goes on, though its networks answer every picture alike. */
  | { kind: "warning"; sentence: string }
  | { kind: "profiled"; profile: StepProfile }
  /** The outcome of tuning in words. */
  | { kind: "tuned"; summary: string }
  /** What the run has trained, as a file of `encodeEncoder`. */
  | { kind: "encoder"; bytes: Uint8Array<ArrayBuffer> }
  | { kind: "finished" }
  | { kind: "failed"; name: string; message: string };
