/** What "Understanding Self-Supervised Pretraining with Part-Aware Representation Learning" (arXiv 2301.11915) says, as data. */
import { meanOf } from "../eval/metrics.ts";
import { METHODS, type MethodName } from "../models/methods.ts";
import type { ProbeName } from "./probes.ts";
import { scoresOf } from "./sample.ts";
import type { Question, SetResults } from "./setResults.ts";

/** The self-supervised methods of the paper. */
export const SELF_SUPERVISED: readonly MethodName[] = ["moco-v3", "dino", "ibot", "mae", "beit", "cae"];

/** What the paper calls the projection of an encoder: what its loss reads. */
export const PROJECTIONS = { "moco-v3": "projector", dino: "prototypes", ibot: "prototypes" } as const;
type Contrastive = keyof typeof PROJECTIONS;
const CONTRASTIVE = Object.keys(PROJECTIONS) as Contrastive[];

/** One side of a comparison: an encoder by its own reading or by another, or the mean of several. */
export interface Side {
  encoders: readonly MethodName[];
  reading?: string;
}

/** `ours` minus `theirs` is claimed to be above `above`. A probe that a study does not have leaves it undecided. */
export interface Comparison {
  what: string;
  target: Question["target"];
  probe: ProbeName;
  ours: Side;
  theirs: Side;
  above?: number;
}

export interface Claim {
  number: number;
  says: string;
  comparisons: readonly Comparison[];
  /** How many comparisons must hold. */
  least: number;
}

const one = (encoder: MethodName): Side => ({ encoders: [encoder] });

/** The claims that are comparisons: 1, 2 and 3 by two probes, 5. The fourth is `meanRank.ts`. */
export const claimsOf = (results: SetResults): Claim[] =>
  [
    bestAtObjects(results),
    ...(["retrieval", "linear"] as const).flatMap((probe) => [betterAtParts(probe), encoderFirst(probe)]),
    maeReadsBadly(),
  ].sort((a, b) => a.number - b.number);

/**
 * The best self-supervised method is the one of the validation seeds. Where not all have such seeds, all are compared, and
 * supervised pretraining must be ahead of each: choosing by the seeds that are compared would favour the chosen.
 */
function bestAtObjects(results: SetResults): Claim {
  const rivals = chosen(results) ?? SELF_SUPERVISED;
  const comparisons = rivals.map((rival) => ({
    what: `supervised - ${rival}`,
    target: "objects" as const,
    probe: "linear" as const,
    ours: one("supervised"),
    theirs: one(rival),
  }));
  const says = "supervised pretraining is best at objects";
  return { number: 1, says, comparisons, least: comparisons.length };
}

function chosen(results: SetResults): readonly MethodName[] | null {
  const scored = SELF_SUPERVISED.flatMap((method) => {
    const question = { target: "objects", probe: "linear", reading: METHODS[method].reading } as const;
    const sample = results.sample(method, question, true);
    if (!sample) return [];
    return [{ method, score: meanOf(scoresOf(sample)) }];
  });
  if (scored.length < SELF_SUPERVISED.length) return null;
  const [best] = scored.sort((a, b) => b.score - a.score);
  return [best!.method];
}

const betterAtParts = (probe: "retrieval" | "linear"): Claim => ({
  number: 2,
  says: "self-supervised encoders know parts better than the supervised one",
  comparisons: SELF_SUPERVISED.map((method) => ({
    what: `${method} - supervised`,
    target: "parts",
    probe,
    ours: one(method),
    theirs: one("supervised"),
  })),
  least: 4,
});

const encoderFirst = (probe: "retrieval" | "linear"): Claim => ({
  number: 3,
  says: "an encoder knows parts better than its projection",
  comparisons: CONTRASTIVE.map((method) => ({
    what: `${method}: encoder - ${PROJECTIONS[method]}`,
    target: "parts",
    probe,
    ours: one(method),
    theirs: { encoders: [method], reading: PROJECTIONS[method] },
  })),
  least: CONTRASTIVE.length,
});

/** On objects: the paper's own figures of MAE at parts are of patches in random places. */
function maeReadsBadly(): Claim {
  const behind = (["k-NN", "linear", "retrieval"] as const).map((probe) => ({
    what: `mean of ${CONTRASTIVE.join(", ")} - mae`,
    target: "objects" as const,
    probe,
    ours: { encoders: CONTRASTIVE },
    theirs: one("mae"),
  }));
  const level = {
    what: `mae - mean of ${CONTRASTIVE.join(", ")}, above -2 points`,
    target: "objects" as const,
    probe: "attentive" as const,
    ours: one("mae"),
    theirs: { encoders: CONTRASTIVE },
    above: -0.02,
  };
  const says = "MAE is behind by k-NN, linear and retrieval, and level by an attentive probe";
  return { number: 5, says, comparisons: [...behind, level], least: 4 };
}
