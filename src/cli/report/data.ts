import type { Interval } from "../../eval/metrics.ts";
import type { RunSettings } from "../../train/run.ts";

/** Everything `partwise start` found out; `report.json` is this, and `report.html` shows nothing else but pictures. */
export interface StartReport {
  format: "partwise.start.1";
  /** ISO 8601, UTC. */
  finished: string;
  /** The command line that computes the same again. */
  command: string;
  adapter: AdapterReport;
  /** Node, operating system and processors. */
  machine: string;
  settings: RunSettings;
  model: { parameters: number; stepBytes: number; dispatches: number };
  data: { name: string; train: number; test: number; size: number; classes: readonly string[] };
  probes: ProbeReport;
  /** One row per step. */
  metrics: readonly MetricsRow[];
  results: readonly Result[];
  /** What the MAE-pretrained encoder has over the untrained one. */
  gains: readonly Gain[];
  /** Accuracy of guessing evenly. */
  chance: number;
  timing: { stages: readonly Stage[]; totalSeconds: number; imagesPerSecond: number };
}

export interface AdapterReport {
  description: string;
  vendor: string;
  architecture: string;
  /** The native API below WebGPU. */
  backend: string;
  /** Whether it computes on the CPU. */
  software: boolean;
  /** 0 where kernels without subgroups ran. */
  subgroupSize: number;
}

export interface ProbeReport {
  /** What is read from the encoder's tokens. */
  reading: string;
  neighbours: number;
  temperature: number;
  linear: { epochs: number; batchSize: number; rate: number; updates: number };
}

export interface MetricsRow {
  step: number;
  loss: number;
  gradNorm: number;
  lr: number;
}

export type Contender = "pretrained" | "untrained" | "pixels";
export type ProbeName = "knn" | "linear";

/** Top-1 on the test pictures. */
export interface Result {
  contender: Contender;
  probe: ProbeName;
  top1: number;
}

/** Difference of two top-1, with the interval over test pictures. */
export interface Gain {
  probe: ProbeName;
  difference: Interval;
}

export interface Stage {
  name: string;
  seconds: number;
}

/** A test picture, what the encoder was shown of it, and what the model made of that: PNG files. */
export interface PictureRow {
  label: string;
  original: Uint8Array;
  masked: Uint8Array;
  reconstructed: Uint8Array;
}

/** What an interval of a difference allows to say. */
export function verdictOf({ low, high }: Interval): "better" | "worse" | "undecided" {
  if (low > 0) return "better";
  return high < 0 ? "worse" : "undecided";
}

/** The probes by the names that people read. */
export const PROBES: Record<ProbeName, string> = { knn: "Nearest neighbours", linear: "Linear probe" };

const VERDICTS = {
  better: "the pretrained encoder is better than the untrained one",
  worse: "the pretrained encoder is worse than the untrained one",
  undecided: "no certain difference between the pretrained and the untrained encoder",
};

/** A gain in words, with its interval. */
export function sentenceOf({ probe, difference }: Gain): string {
  const { mean, low, high } = difference;
  return (
    `${PROBES[probe]}: ${VERDICTS[verdictOf(difference)]} ` +
    `(${points(mean)} points, 95 % interval ${points(low)} to ${points(high)}).`
  );
}

/** A difference of shares in percentage points with its sign. */
const points = (share: number): string => {
  const text = (100 * Math.abs(share)).toFixed(1);
  if (text === "0.0") return text;
  return `${share < 0 ? "−" : "+"}${text}`;
};
