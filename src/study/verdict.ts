/** Whether the results of a set support the claims, contradict them, or leave them undecided, and why. */
import type { MethodName } from "../models/methods.ts";
import { type Claim, type Comparison, claimsOf, type Side } from "./claims.ts";
import { type Estimate, holm, intervalOf, pValue } from "./estimate.ts";
import { type First, firstInMeanRank } from "./meanRank.ts";
import { readingOf } from "./probes.ts";
import { meanSample, minus, type Sample } from "./sample.ts";
import { NO_FLOOR, NO_SPREAD, NOT_TRAINED, type SetResults } from "./setResults.ts";

export type Decision = "supported" | "contradicted" | "undecided";

/** What one comparison found. */
export interface Answer {
  what: string;
  target: string;
  probe: string;
  /** What the difference is claimed to be above. */
  above: number;
  decision: Decision;
  /** Why it is undecided; null where the interval is the reason. */
  why: string | null;
  /** Encoders that do not count on this readout, since they are not above themselves untrained. */
  idle: readonly MethodName[];
  /** Of the difference, with its 95 % interval; null where it was not measured. */
  found: (Estimate & { low: number; high: number }) | null;
  /** Two-sided, by Holm among the comparisons of the claim that count; null for one that does not. */
  p: number | null;
}

export interface Verdict {
  claim: number;
  says: string;
  /** The readouts that it is judged by. */
  by: string;
  decision: Decision;
  why: string;
  answers: Answer[];
  /** Of claim 4: of being first. */
  probability?: number;
}

/** Share of wrong answers that a claim may have. */
const ERROR = 0.05;

/** The verdicts of all claims on one set. */
export function verdictsOf(results: SetResults): Verdict[] {
  const claims = claimsOf(results);
  const found = claims.map(({ comparisons }) => comparisons.map((one) => measured(results, one)));
  const judged = claims.flatMap(({ number }, at) => {
    if (claims.findIndex((claim) => claim.number === number) !== at) return [];
    const own = [...claims.keys()].filter((i) => claims[i]!.number === number);
    const answers = adjusted(own.flatMap((i) => found[i]!));
    return own.map((i) => verdictOf(claims[i]!, answers.splice(0, found[i]!.length)));
  });
  return [...judged, firstOf(results)].sort((a, b) => a.claim - b.claim);
}

/** A comparison before Holm: the difference above what is claimed. */
interface Measured {
  comparison: Comparison;
  estimate: Estimate | null;
  why: string | null;
  idle: readonly MethodName[];
}

function measured(results: SetResults, comparison: Comparison): Measured {
  const { ours, theirs, target, probe } = comparison;
  const undecided = (why: string, estimate: Estimate | null = null, idle: MethodName[] = []) => ({
    ...{ comparison, estimate, why, idle },
  });
  const [a, b] = [ours, theirs].map((side) => sampleOf(results, side, { target, probe })) as [
    Sample | null,
    Sample | null,
  ];
  const estimate = a && b && results.estimate(target, minus(a, b));
  if (!estimate) return undecided("not measured");
  const encoders = new Set([...ours.encoders, ...theirs.encoders]);
  const gates = [...encoders].map((encoder) => results.beatsUntrained(encoder, { target, probe }));
  if (gates.includes(null)) return undecided(NO_FLOOR, estimate);
  const idle = [...encoders].filter((_, i) => !gates[i]);
  if (idle.length > 0) return undecided(`${NOT_TRAINED}: ${idle.join(", ")}`, estimate, idle);
  if (estimate.seedError === null) return undecided(NO_SPREAD, estimate);
  return { comparison, estimate, why: null, idle };
}

function sampleOf(
  results: SetResults,
  { encoders, reading }: Side,
  question: Omit<Parameters<SetResults["sample"]>[1], "reading">,
): Sample | null {
  const samples = encoders.map((encoder) =>
    results.sample(encoder, { ...question, reading: reading ?? readingOf(encoder, question.probe) }),
  );
  return samples.every((sample) => sample !== null) ? meanSample(samples) : null;
}

/** The answers of one claim, those that count by Holm together. */
function adjusted(all: readonly Measured[]): Answer[] {
  const counted = all.filter(({ why }) => why === null);
  const pValues = holm(counted.map(({ estimate, comparison }) => pValue(estimate!, comparison.above ?? 0)));
  return all.map((one) => {
    const { comparison, estimate, why, idle } = one;
    const { what, target, probe, above = 0 } = comparison;
    const found = estimate && { ...estimate, ...intervalOf(estimate) };
    const p = why === null ? pValues[counted.indexOf(one)]! : null;
    const isTold = p !== null && p <= ERROR;
    const decision = !isTold ? "undecided" : estimate!.mean > above ? "supported" : "contradicted";
    return { what, target, probe, above, decision, why, idle, found, p };
  });
}

function verdictOf({ number, says, comparisons, least }: Claim, answers: Answer[]): Verdict {
  const count = (decision: Decision) => answers.filter((answer) => answer.decision === decision).length;
  const [holding, failing] = [count("supported"), count("contradicted")];
  const decision =
    holding >= least ? "supported" : failing > answers.length - least ? "contradicted" : "undecided";
  const idle = [...new Set(answers.flatMap((answer) => answer.idle))];
  const reasons = new Set(answers.flatMap((answer) => (answer.idle.length > 0 ? [] : (answer.why ?? []))));
  const why = [
    `${holding} of ${answers.length} hold, ${failing} fail, ${least} must hold`,
    ...(idle.length > 0 ? [`${NOT_TRAINED}: ${idle.join(", ")}`] : []),
    ...reasons,
  ].join("; ");
  const target = comparisons[0]!.target;
  const by = `${target}, ${[...new Set(comparisons.map(({ probe }) => probe))].join(", ")}`;
  return { claim: number, says, by, decision, why, answers };
}

/** Readouts in words, targets that were asked the same together. */
function readoutWords(readouts: First["readouts"]): string {
  const targets = new Map<string, string[]>();
  for (const target of new Set(readouts.map((readout) => readout.target))) {
    const own = readouts.filter((readout) => readout.target === target);
    const probes = own.map(({ probe }) => probe).join(", ");
    targets.set(probes, [...(targets.get(probes) ?? []), target]);
  }
  return (
    [...targets].map(([probes, names]) => `${names.join(" and ")}, ${probes}`).join("; ") || "no readout"
  );
}

/** Claim 4: rivals that were not trained enough can lend it no support, and their absence cannot save it. */
function firstOf(results: SetResults): Verdict {
  const says = "iBOT is first in mean rank of the self-supervised methods";
  const { probability, idle, why, readouts } = firstInMeanRank(results, "ibot");
  const about = { claim: 4, says, by: readoutWords(readouts), answers: [] };
  if (probability === null) return { ...about, decision: "undecided", why };
  const isWhole = idle.length === 0;
  const decision =
    probability >= 1 - ERROR && isWhole ? "supported" : probability <= ERROR ? "contradicted" : "undecided";
  return { ...about, decision, why, probability };
}
