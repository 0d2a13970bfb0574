/**
 * Where there is one run of each method, claims stay undecided; what can be said is how two runs differ on pictures drawn again.
 * The crossing: who learned from labels is ahead at whole objects, who learned from pictures alone at parts.
 */
import type { Interval } from "../eval/metrics.ts";
import { METHODS, type MethodName } from "../models/methods.ts";
import { intervalOf } from "./estimate.ts";
import { type ProbeName, readingOf } from "./probes.ts";
import { minus } from "./sample.ts";
import type { SetResults } from "./setResults.ts";
import { TARGETS, type TargetName } from "./targets.ts";

export interface Crossing {
  /** Beside the supervised encoder. */
  rival: MethodName;
  probe: ProbeName;
  /** Supervised minus the rival, each by its own reading. */
  differences: Readonly<Record<TargetName, Interval>>;
  /**
   * Seen: supervised is certainly ahead at objects, the rival at parts. Undecided: so it is, but who is ahead is somewhere not
   * certainly above what it knows untrained, as far as that was measured.
   */
  decision: "seen" | "not seen" | "undecided";
  /** Targets at which who is ahead is not certainly above what it knows untrained: training has not yet brought that. */
  unlearned: readonly TargetName[];
  /** Targets at which nobody measured the untrained encoder of its seed. */
  unmeasured: readonly TargetName[];
}

const PROBE: ProbeName = "linear";

/** Supervised against every other method that has one run, too; none where it has several or none. */
export const crossingsOf = (results: SetResults): Crossing[] =>
  (Object.keys(METHODS) as MethodName[]).flatMap((rival) =>
    rival === "supervised" ? [] : (crossingWith(results, rival) ?? []),
  );

function crossingWith(results: SetResults, rival: MethodName): Crossing | null {
  const found = TARGETS.map((target) => {
    const [ours, theirs] = (["supervised", rival] as const).map((method) =>
      results.sample(method, { target, probe: PROBE, reading: readingOf(method, PROBE) }),
    );
    if (ours?.seeds.size !== 1 || theirs?.seeds.size !== 1) return null;
    const difference = results.estimate(target, minus(ours, theirs));
    return difference && ([target, intervalOf(difference)] as const);
  });
  if (found.some((one) => one === null)) return null;
  const differences = Object.fromEntries(found as [TargetName, Interval][]) as Crossing["differences"];
  const isCrossed = certainSign(differences.objects) > 0 && certainSign(differences.parts) < 0;
  const gateAt = (target: TargetName, expected: boolean | null): boolean => {
    const sign = certainSign(differences[target]);
    const ahead = sign > 0 ? "supervised" : rival;
    return sign !== 0 && results.beatsUntrained(ahead, { target, probe: PROBE }) === expected;
  };
  const unlearned = TARGETS.filter((target) => gateAt(target, false));
  const unmeasured = TARGETS.filter((target) => gateAt(target, null));
  const isGated = unlearned.length + unmeasured.length > 0;
  const decision = !isCrossed ? "not seen" : isGated ? "undecided" : "seen";
  return { rival, probe: PROBE, differences, decision, unlearned, unmeasured };
}

/** 1 or -1 where an interval leaves out zero, else 0. */
export const certainSign = ({ low, high }: Interval): number => (low > 0 ? 1 : high < 0 ? -1 : 0);
