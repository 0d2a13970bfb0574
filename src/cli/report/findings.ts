/** From what probes found in each encoder to what may be said of it. */
import type { Interval } from "../../eval/metrics.ts";
import type { MethodName } from "../../models/methods.ts";
import type { CellResult } from "../../study/cell.ts";
import { differenceInterval, scoreInterval } from "../../study/interval.ts";
import type { ProbeName } from "../../study/probes.ts";
import type { Readout } from "../../study/readouts.ts";
import { TARGETS, type TargetName } from "../../study/targets.ts";
import type { Crossing, Score } from "./data.ts";

/** Every readout of every encoder with its interval, and what training brought. */
export function scoresOf(results: readonly CellResult[]): Score[] {
  const untrained = results.find(({ encoder }) => encoder === "untrained");
  return results.flatMap(({ encoder, readouts, training }) =>
    readouts.map((readout): Score => {
      const { target, reading, probe, floor } = readout;
      const before = training && untrained && readoutOf(untrained, target, reading, probe);
      return {
        encoder,
        target,
        reading,
        probe,
        score: scoreInterval(readout),
        floor,
        ...(before ? { gain: differenceInterval(readout, before) } : {}),
      };
    }),
  );
}

/** What every two trained encoders are to each other, by one reading. */
export function crossingsOf(
  results: readonly CellResult[],
  reading: string,
  probes: readonly ProbeName[],
): Crossing[] {
  const trained = results.filter(({ training }) => training);
  const untrained = results.find(({ encoder }) => encoder === "untrained");
  const pairs = trained.flatMap((first, i) => trained.slice(i + 1).map((second) => [first, second] as const));
  return pairs.flatMap(([first, second]) =>
    probes.map((probe): Crossing => {
      const between = (target: TargetName): Interval =>
        differenceInterval(
          readoutOf(first, target, reading, probe),
          readoutOf(second, target, reading, probe),
        );
      const differences = { objects: between("objects"), parts: between("parts") };
      const signs = { objects: certainSign(differences.objects), parts: certainSign(differences.parts) };
      const unlearned = TARGETS.filter((target) => {
        if (!untrained || signs[target] === 0) return false;
        const ahead = signs[target] > 0 ? first : second;
        const [after, before] = [ahead, untrained].map((cell) => readoutOf(cell, target, reading, probe));
        return certainSign(differenceInterval(after!, before!)) <= 0;
      });
      const methods = [first.encoder as MethodName, second.encoder as MethodName] as const;
      const isCrossed = signs.objects * signs.parts < 0;
      const decision = !isCrossed ? "not seen" : unlearned.length > 0 ? "undecided" : "seen";
      return { methods, reading, probe, differences, decision, unlearned };
    }),
  );
}

/** 1 or -1 where an interval leaves out zero, else 0. */
export const certainSign = ({ low, high }: Interval): number => (low > 0 ? 1 : high < 0 ? -1 : 0);

function readoutOf(
  { encoder, readouts }: CellResult,
  target: TargetName,
  reading: string,
  probe: ProbeName,
): Readout {
  const found = readouts.find((r) => r.target === target && r.reading === reading && r.probe === probe);
  if (!found) throw new Error(`findings: ${encoder} must be read by ${reading} at ${target}; it was not`);
  return found;
}
