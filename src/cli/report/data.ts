import type { Interval } from "../../eval/metrics.ts";
import type { MethodName } from "../../models/methods.ts";
import type { Cell, StudyPlan } from "../../study/plan.ts";
import type { ProbeName } from "../../study/probes.ts";
import type { TargetName } from "../../study/targets.ts";
import type { RunSettings } from "../../train/run.ts";
import type { Versions } from "../versions.ts";

/** Everything `partwise start` found out; `report.json` is this, and `report.html` shows nothing else but pictures. */
export interface StartReport {
  format: "partwise.start.2";
  /** ISO 8601, UTC. */
  finished: string;
  /** The command line that computes the same again. */
  command: string;
  versions: Versions;
  adapter: AdapterReport;
  /** Operating system and processors. */
  machine: string;
  /** What was trained and measured, as a study says it. */
  plan: StudyPlan;
  pictures: PicturesReport;
  trainings: readonly TrainingReport[];
  /** What is read of an encoder in the table and the verdict; `scores` has every reading. */
  reading: string;
  scores: readonly Score[];
  /** Of each two methods, by each probe. */
  crossings: readonly Crossing[];
  timing: { stages: readonly Stage[]; totalSeconds: number };
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

export interface PicturesReport {
  set: string;
  /** Side, in pixels, of pictures and crops. */
  size: number;
  /** Pictures to pretrain on. */
  train: number;
  /** What probes are trained on and tested on, and what they tell apart. */
  targets: Readonly<Record<TargetName, { probe: number; test: number; classes: readonly string[] }>>;
}

/** What was measured: a method, or an encoder that nobody trained. */
export type Encoder = Cell["encoder"];

export interface TrainingReport {
  method: MethodName;
  settings: RunSettings;
  /** Pictures seen. */
  pictures: number;
  seconds: number;
  /** Of everything that is trained, the encoder and what is beside it. */
  parameters: number;
  /** Working memory of a step, and its dispatches. */
  stepBytes: number;
  dispatches: number;
  /** Metrics of some steps, the first and the last among them. */
  rows: readonly Record<string, number>[];
}

/** What a probe found in one reading of an encoder. */
export interface Score {
  encoder: Encoder;
  target: TargetName;
  /** `cls`, `mean` or `pixels`. */
  reading: string;
  probe: ProbeName;
  /** Accuracy, or mean average precision of retrieval, with its 95 % interval over pictures. */
  score: Interval;
  /** What guessing gives. */
  floor: number;
  /** What it is above the untrained encoder, of one that was trained. */
  gain?: Interval;
}

/** Two methods at both targets by one probe: first minus second. */
export interface Crossing {
  methods: readonly [MethodName, MethodName];
  reading: string;
  probe: ProbeName;
  differences: Readonly<Record<TargetName, Interval>>;
  /**
   * Seen: each is certainly ahead at one of the targets. Undecided: so it is, but who is ahead is somewhere not certainly above
   * the untrained encoder.
   */
  decision: "seen" | "not seen" | "undecided";
  /** Targets at which who is ahead is not certainly above the untrained encoder: training has not yet brought that. */
  unlearned: readonly TargetName[];
}

export interface Stage {
  name: string;
  seconds: number;
}

/** A test picture, what an encoder was shown of it, and what the model made of that: PNG files. */
export interface CompletedPicture {
  label: string;
  original: Uint8Array;
  masked: Uint8Array;
  reconstructed: Uint8Array;
}

/** A test picture and the parts that were cut out of it: PNG files. */
export interface CutPicture {
  label: string;
  picture: Uint8Array;
  crops: readonly { part: string; picture: Uint8Array }[];
}

/** The pictures of the page. */
export interface ReportPictures {
  cut: readonly CutPicture[];
  /** By a method that can complete pictures. */
  completed: readonly CompletedPicture[];
}
