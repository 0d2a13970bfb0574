import { describe, expect, test } from "vitest";
import { crossingsOf } from "../../src/study/crossing.ts";
import { readingOf } from "../../src/study/probes.ts";
import { type ScoredCell, SetResults } from "../../src/study/setResults.ts";
import { TARGETS } from "../../src/study/targets.ts";

const PICTURES = 100;
/** So many of the pictures are known, the same for all encoders first. */
const known = (share: number) => Array.from({ length: PICTURES }, (_, i) => (i < share * PICTURES ? 1 : 0));

/** A run that knows these shares of objects and of parts, by every reading that a method or the untrained encoder may have. */
const cell = (encoder: ScoredCell["encoder"], shares: readonly [number, number], seed = 0): ScoredCell => ({
  ...{ data: "coat", encoder, seed },
  readouts: TARGETS.flatMap((target, t) =>
    ["cls", "mean"].map((reading) => ({
      ...{ target, reading, probe: "linear" as const, score: shares[t]!, floor: 0.05 },
      pictures: { items: known(1), sums: known(shares[t]!) },
    })),
  ),
});

const LOW = cell("untrained", [0.1, 0.1]);
const crossings = (...cells: ScoredCell[]) => crossingsOf(new SetResults(cells));

describe("single runs", () => {
  test("cross where supervised is ahead at objects and its rival at parts", () => {
    const [found, ...others] = crossings(LOW, cell("supervised", [0.7, 0.2]), cell("mae", [0.3, 0.5]));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ rival: "mae", decision: "seen", unlearned: [], unmeasured: [] });
    expect(found!.differences.objects.mean).toBeCloseTo(0.4, 9);
    expect(found!.differences.parts.mean).toBeCloseTo(-0.3, 9);
    expect(readingOf("mae", "linear")).not.toBe(readingOf("supervised", "linear"));
  });

  test.each([
    ["the rival is ahead at neither", [0.7, 0.5], [0.3, 0.2]],
    ["it is the other way round", [0.3, 0.5], [0.7, 0.2]],
    ["a difference may be chance", [0.7, 0.49], [0.3, 0.5]],
  ] as const)("do not where %s", (_, supervised, mae) => {
    expect(crossings(LOW, cell("supervised", supervised), cell("mae", mae))[0]!.decision).toBe("not seen");
  });

  test("leave it undecided where who is ahead knows no more than the untrained encoder, or that was not measured", () => {
    const [supervised, mae] = [cell("supervised", [0.7, 0.2]), cell("mae", [0.3, 0.5])];
    expect(crossings(cell("untrained", [0.1, 0.5]), supervised, mae)[0]).toMatchObject({
      ...{ decision: "undecided", unlearned: ["parts"], unmeasured: [] },
    });
    const elsewhere = cell("untrained", [0.1, 0.1], 7);
    for (const cells of [
      [supervised, mae],
      [elsewhere, supervised, mae],
    ]) {
      expect(crossings(...cells)[0]).toMatchObject({
        ...{ decision: "undecided", unlearned: [], unmeasured: ["objects", "parts"] },
      });
    }
  });

  test("are told alone: several runs have claims, and who lacks a target has nothing", () => {
    const [supervised, mae] = [cell("supervised", [0.7, 0.2]), cell("mae", [0.3, 0.5])];
    expect(crossings(LOW, supervised, mae, cell("mae", [0.3, 0.4], 1))).toEqual([]);
    const objects = { ...mae, readouts: mae.readouts.filter(({ target }) => target === "objects") };
    expect(crossings(LOW, supervised, objects)).toEqual([]);
    expect(crossings(LOW, mae)).toEqual([]);
  });
});
