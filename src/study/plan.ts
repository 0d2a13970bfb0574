/** What a study trains and measures, as data, and the cells that come of it. */
import type { MethodName } from "../models/methods.ts";
import type { GivenEncoder } from "./givenEncoders.ts";
import { ASKED, type AskedName, type ProbeName, readingOf, SEGMENTATION, sharedReading } from "./probes.ts";

/** One set of pictures and how many of it. */
export interface StudyData {
  /** A built-in set, or the path of a folder. */
  source: string;
  /** Pictures to pretrain on. */
  train: number;
  /** Labelled pictures that probes are trained on, and tested on. */
  probe: number;
  test: number;
  /** Of a built-in set: pictures of either split that parts are cut from. Of `partsFrom`: crops of either split. 0 for none. */
  parts: number;
  /** The path of a folder of annotated pictures, whose parts are cut out by the paper's rule. */
  partsFrom?: string | undefined;
  /** Folders of pictures whose pixels are labelled, by part and by object: `probe` and `test` of them at most are segmented. */
  masksFrom?: string | undefined;
  objectMasksFrom?: string | undefined;
  /** Those of the study's methods that are trained on it; all where it is absent. */
  methods?: readonly MethodName[] | undefined;
  /** Encoders that are read on it as they are; where there are some, none is trained. */
  encoders?: readonly GivenEncoder[] | undefined;
}

/** How one method is trained; its small recipe has what is left out. */
export interface StudyMethod {
  batch?: number | undefined;
  lr?: number | undefined;
  /** Pictures seen, where they differ from the study's. */
  pictures?: number | undefined;
  config?: Record<string, unknown> | undefined;
  /** How many settings were tried before these, on validation seeds: a reader is told, and nothing is computed by it. */
  tuned?: number | undefined;
}

export interface StudyPlan {
  name: string;
  /** timm-style name of the encoder. */
  model: string;
  /** Pictures seen by every method. */
  pictures: number;
  seeds: readonly number[];
  /** Seeds of the encoder that was not trained. */
  floorSeeds: readonly number[];
  data: Readonly<Record<string, StudyData>>;
  methods: Readonly<Partial<Record<MethodName, StudyMethod>>>;
  /** False where single runs are not measured before their first step, but held against the untrained encoder, in less time. */
  first?: boolean | undefined;
  /** What every encoder is asked by. */
  probes: readonly AskedName[];
  /** Neighbours of k-NN, epochs of the probes that are trained. */
  neighbours: number;
  linearEpochs: number;
  attentiveEpochs: number;
  /** Updates of segmentation's layer; those of its small recipe when absent. */
  segmentationUpdates?: number | undefined;
}

/** What of a plan decides how encoders are read. */
export type ReadingPlan = Pick<
  StudyPlan,
  "probes" | "neighbours" | "linearEpochs" | "attentiveEpochs" | "segmentationUpdates"
>;

/** Whether encoders are asked about pixels, wherever a set has some that are labelled. */
export const asksPixels = ({ probes }: Pick<StudyPlan, "probes">): boolean => probes.includes(SEGMENTATION);

/** Seeds from here on choose between settings and methods, on pictures of their own, and are in no result. */
const VALIDATION_SEED = 100;
export const isValidation = (seed: number): boolean => seed >= VALIDATION_SEED;

/** What a cell is asked about. */
export type AskedSplit = "test" | "val";
const askedSplit = (seed: number): AskedSplit => (isValidation(seed) ? "val" : "test");

/** What the cells of a set are asked about, those of floors and of given encoders among them. */
export const askedSplits = (plan: StudyPlan, set: string): AskedSplit[] => [
  ...new Set(cellsOf(plan).flatMap(({ data, seed }) => (data === set ? [askedSplit(seed)] : []))),
];

/** Encoders that are measured without training: first values, and the pixels themselves. */
export const FLOORS = ["untrained", "pixels"] as const;
export type Floor = (typeof FLOORS)[number];

/** Whether an encoder is one that is trained. */
export const isMethod = (encoder: MethodName | Floor): encoder is MethodName =>
  !(FLOORS as readonly string[]).includes(encoder);

/** The reading that an encoder is known by: its method's; of one that was not trained the mean of its patches. */
export const ownReading = (encoder: MethodName | Floor, probe: ProbeName): string => {
  if (encoder === "pixels") return "pixels";
  return isMethod(encoder) ? readingOf(encoder, probe) : (sharedReading(probe) ?? "mean");
};

/** One encoder on one set: what a process computes at a time, and a folder of its own. */
export interface Cell {
  data: string;
  encoder: MethodName | Floor;
  seed: number;
}

/** The name of a cell's folder below its study's. */
export const cellName = ({ data, encoder, seed }: Cell): string => `${data}/${encoder}-${seed}`;

/** All of a study that decides the result of a cell. */
export interface CellPlan extends Pick<StudyPlan, "model">, ReadingPlan {
  data: Omit<StudyData, "methods" | "encoders">;
  /** Of a validation seed: what it is tested on. */
  split?: "val";
  /** Of an encoder that is trained: how, and pictures seen. */
  method?: StudyMethod;
  /** Of an encoder that is read as it is: the SHA-256 of its file. */
  given?: string;
}

/** The encoder that a cell reads as it is; undefined where it trains one. */
export const givenEncoder = (
  { data }: StudyPlan,
  { data: set, encoder, seed }: Cell,
): GivenEncoder | undefined =>
  data[set]!.encoders?.find((given) => given.method === encoder && given.seed === seed);

/** The part of a plan that a cell is computed by. */
export function cellPlan(plan: StudyPlan, { data: set, encoder, seed }: Cell): CellPlan {
  const { model, neighbours, linearEpochs, attentiveEpochs, segmentationUpdates, pictures, methods } = plan;
  const probes = ASKED.filter((probe) => plan.probes.includes(probe)); // their order counts for nothing
  const split = isValidation(seed) ? { split: "val" as const } : {};
  const { methods: _, encoders: __, ...data } = plan.data[set]!;
  const ofPixels = asksPixels(plan) ? { segmentationUpdates } : {}; // others' cells were computed without
  const reading = { probes, neighbours, linearEpochs, attentiveEpochs, ...ofPixels };
  const read = { model, data, ...reading, ...split };
  if (!isMethod(encoder)) return read;
  const given = givenEncoder(plan, { data: set, encoder, seed });
  if (given) return { ...read, given: given.sha256 };
  const { tuned: ___, ...method } = methods[encoder] ?? {};
  return { ...read, method: { pictures, ...method } };
}

/**
 * The first place where a value, as JSON has it, is not what it was, in words: `method.lr was 0.001 and is 0.002`; null where
 * they are equal. The order of keys does not count.
 */
export function firstChange(was: unknown, is: unknown, place = ""): string | null {
  if (isRecord(was) && isRecord(is)) {
    for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
      const change = firstChange(was[key], is[key], place === "" ? key : `${place}.${key}`);
      if (change) return change;
    }
    return null;
  }
  const [before, now] = [was, is].map((value) => JSON.stringify(value) ?? "absent");
  return before === now ? null : `${place} was ${before} and is ${now}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every cell, set by set; within a set the floors first, then the methods as the plan has them, so that a study cut short compares. */
export function cellsOf({ data, methods, seeds, floorSeeds }: StudyPlan): Cell[] {
  const all = Object.keys(methods) as MethodName[];
  return Object.entries(data).flatMap(([set, { methods: own = all, encoders }]) => [
    { data: set, encoder: "pixels" as const, seed: 0 },
    ...floorSeeds.map((seed) => ({ data: set, encoder: "untrained" as const, seed })),
    ...(encoders?.map(({ method, seed }) => ({ data: set, encoder: method, seed })) ??
      seeds.flatMap((seed) => own.map((encoder) => ({ data: set, encoder, seed })))),
  ]);
}

/** Whether a cell's numbers are another's: the same encoder on the same pictures by the same probes, in another set of the study. */
export const isSameCell = (plan: StudyPlan, a: Cell, b: Cell): boolean =>
  a.encoder === b.encoder && a.seed === b.seed && firstChange(cellPlan(plan, a), cellPlan(plan, b)) === null;

/** The runs of a cell's method on its set that are compared. */
const runsBeside = (plan: StudyPlan, { data, encoder }: Cell): Cell[] =>
  cellsOf(plan).filter((cell) => cell.data === data && cell.encoder === encoder && !isValidation(cell.seed));

export const isFirstRun = (plan: StudyPlan, cell: Cell): boolean =>
  runsBeside(plan, cell)[0]?.seed === cell.seed;

/**
 * Whether a method's run is measured before its first step, too: its gate asks it. Where several are compared that is always so,
 * and of a single run, which decides nothing, unless the plan goes without. A run of a validation seed only chooses.
 */
export const asksFirst = (plan: StudyPlan, cell: Cell): boolean =>
  isMethod(cell.encoder) &&
  !isValidation(cell.seed) &&
  (plan.first !== false || runsBeside(plan, cell).length > 1);
