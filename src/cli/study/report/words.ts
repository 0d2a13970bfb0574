/** Findings in words, the same on the terminal and on the page. */
import type { Interval } from "../../../eval/metrics.ts";
import { type Crossing, certainSign } from "../../../study/crossing.ts";
import { type Cell, isMethod } from "../../../study/plan.ts";
import type { ProbeName } from "../../../study/probes.ts";
import { TARGETS, type TargetName } from "../../../study/targets.ts";

/** How a probe is named in a sentence. */
export const PROBE_WORDS: Record<ProbeName, string> = {
  "k-NN": "nearest neighbours",
  linear: "the linear probe",
  attentive: "the attentive probe",
  retrieval: "retrieval",
  mIoU: "the mean IoU of segmentation",
  mAcc: "the mean accuracy of segmentation",
  aAcc: "the accuracy of segmentation",
};

const NAMES: Partial<Record<Cell["encoder"], string>> = {
  pixels: "raw pixels",
  "moco-v3": "MoCo v3",
  dino: "DINO",
  ibot: "iBOT",
  mae: "MAE",
  beit: "BEiT",
  cae: "CAE",
};

/** An encoder as people call it. */
export const nameOf = (encoder: Cell["encoder"]): string => NAMES[encoder] ?? encoder;

/** What encoders learn from, which is what the style sheet colours them by; floors learn from nothing. */
const SERIES: Partial<Record<Cell["encoder"], string>> = {
  supervised: "labels",
  "moco-v3": "views",
  dino: "views",
  ibot: "views",
  mae: "masks",
  beit: "masks",
  cae: "masks",
  data2vec: "masks",
};

/** The colour of an encoder, by the style sheet. */
export const seriesOf = (encoder: Cell["encoder"]): string => `series-${SERIES[encoder] ?? "floor"}`;

const READINGS: Record<string, string> = {
  cls: "class token",
  mean: "mean of the patches",
  tokens: "all tokens",
  blocks: "tokens of four blocks",
};

/** A reading of an encoder as people call it. */
export const readingName = (reading: string): string => READINGS[reading] ?? reading;

/** A whole number with its thousands apart. */
export const grouped = (value: number): string => value.toLocaleString("en-US");

/** Three digits. */
export const rounded = (value: number): number => Number(value.toPrecision(3));

/** A share in per cent, one digit behind the point. */
export const percent = (share: number): string => (100 * share).toFixed(1);

/** A difference of shares in points, with its sign. */
export function points(share: number): string {
  const text = percent(Math.abs(share));
  return text === "0.0" ? text : `${share < 0 ? "−" : "+"}${text}`;
}

/** A p value as papers print it. */
export const pWords = (p: number): string => `p ${p < 0.001 ? "< 0.001" : p.toFixed(3)}`;

/** What the intervals of differences are over. */
export const INTERVALS = "over pictures, and over seeds where there are several";

/** What the encoders of a set are held against, each as its first values were read or not. */
export function gateWords(cells: readonly { encoder: Cell["encoder"]; first?: unknown }[]): string {
  const methods = [...new Set(cells.map(({ encoder }) => encoder))].filter(isMethod);
  const runs = methods.map((method) => cells.filter(({ encoder }) => encoder === method));
  const isRead = (own: typeof cells) => own.some(({ first }) => first !== undefined);
  const itself = "itself before its first step";
  const other =
    "an untrained encoder of its shape and seed, where a single run was not read before its first step";
  if (!runs.some((own) => own.length === 1 && !isRead(own))) return itself;
  return runs.some(isRead) ? `${itself}, or ${other}` : other;
}

/** What two single runs are to each other, and whether the crossing is seen. */
export function crossingSentence(crossing: Crossing): string {
  const { rival, probe, decision } = crossing;
  const clauses = TARGETS.map((target) => aheadClause(crossing, target));
  return `Supervised and ${nameOf(rival)} by ${PROBE_WORDS[probe]}: the crossing is ${decision}; ${clauses.join("; ")}.`;
}

function aheadClause({ rival, differences, unlearned, unmeasured }: Crossing, target: TargetName): string {
  const found = differences[target];
  const sign = certainSign(found);
  const [ahead, { mean, low, high }] =
    sign < 0 ? [nameOf(rival), negative(found)] : [nameOf("supervised"), found];
  if (sign === 0) {
    return `at ${target} neither is certainly ahead (${ahead} ${points(mean)}, 95 % interval ${points(low)} to ${points(high)})`;
  }
  const range = `95 % interval ${percent(low)} to ${percent(high)}`;
  const but = unlearned.includes(target)
    ? ", yet not certainly above what it knows untrained"
    : unmeasured.includes(target)
      ? ", and the untrained encoder of its seed was not measured"
      : "";
  return `at ${target} ${ahead} is ahead by ${percent(mean)} points (${range})${but}`;
}

const negative = ({ mean, low, high }: Interval): Interval => ({ mean: -mean, low: -high, high: -low });
