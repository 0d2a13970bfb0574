import { describe, expect, test } from "vitest";
import { Random } from "../../src/engine/random.ts";
import { meanAndStd } from "../../src/eval/metrics.ts";
import { METHODS, type MethodName } from "../../src/models/methods.ts";
import { claimsOf, SELF_SUPERVISED } from "../../src/study/claims.ts";
import { meanRanks, RUNS_SEED, shareFirst } from "../../src/study/meanRank.ts";
import type { Cell } from "../../src/study/plan.ts";
import { PROBES, type ProbeName, TOKENS } from "../../src/study/probes.ts";
import type { Readout } from "../../src/study/readouts.ts";
import { type ScoredCell, SetResults } from "../../src/study/setResults.ts";
import { TARGETS } from "../../src/study/targets.ts";
import { verdictsOf } from "../../src/study/verdict.ts";

const PICTURES = 40;
const ENCODERS = ["supervised", ...SELF_SUPERVISED] as const;

/** What is planted: the true score of an encoder at a reading of a readout. */
type Truth = (encoder: Cell["encoder"], readout: Pick<Readout, "target" | "probe" | "reading">) => number;

/** Every encoder of the paper with so many seeds, each also before its first step; noise of pictures and of runs. */
function planted(
  truth: Truth,
  seeds: readonly number[],
  draw = 0,
  noise = 0.02,
  before: ((encoder: Cell["encoder"]) => number) | null = () => 0.1,
  probes: readonly ProbeName[] = PROBES,
): SetResults {
  const cells = ENCODERS.flatMap((encoder, e) =>
    seeds.map((seed): ScoredCell => {
      const run = new Random(draw, "test", 100 * (e + 1) + seed);
      const projections = encoder in PROJECTED ? [PROJECTED[encoder as keyof typeof PROJECTED]] : [];
      const read = (level: Truth, more: readonly string[]) =>
        TARGETS.flatMap((target) =>
          probes.flatMap((probe) =>
            (probe === "attentive" ? [TOKENS] : ["cls", "mean", ...more]).map((reading): Readout => {
              const score = level(encoder, { target, probe, reading }) + noise * run.normal();
              const sums = Array.from({ length: PICTURES }, () => score + 5 * noise * run.normal());
              const items = sums.map(() => 1);
              return { target, probe, reading, score, floor: 0.1, pictures: { items, sums } };
            }),
          ),
        );
      const readouts = read(truth, projections);
      return { data: "toy", encoder, seed, readouts, ...(before && { first: read(before, []) }) };
    }),
  );
  return new SetResults(cells, { rounds: 200 });
}
const PROJECTED = { "moco-v3": "projector", dino: "prototypes", ibot: "prototypes" };

/**
 * The paper: supervised ahead at objects and behind at parts, projections behind, MAE behind at objects but by the attentive probe,
 * iBOT ahead of its like.
 */
const PAPER: Truth = (encoder, { target, probe, reading }) => {
  if (encoder === "supervised") return target === "objects" ? 0.95 : 0.3;
  const ofMae = probe === "attentive" ? 0.72 : 0.4;
  const base = encoder === "ibot" ? 0.8 : encoder === "mae" && target === "objects" ? ofMae : 0.6;
  return reading === "projector" || reading === "prototypes" ? base - 0.25 : base;
};
const decisions = (results: SetResults) =>
  verdictsOf(results).map(({ claim, by, decision }) => `${claim} ${by}: ${decision}`);
const FIVE = [0, 1, 2, 3, 4];

test("what the paper says is found where it is planted", () => {
  expect(decisions(planted(PAPER, FIVE))).toEqual([
    "1 objects, linear: supported",
    "2 parts, retrieval: supported",
    "2 parts, linear: supported",
    "3 parts, retrieval: supported",
    "3 parts, linear: supported",
    "4 objects and parts, k-NN, linear, attentive, retrieval: supported",
    "5 objects, k-NN, linear, retrieval, attentive: supported",
  ]);
});

test("what a study does not ask is undecided", () => {
  const others = PROBES.filter((probe) => probe !== "attentive");
  const fifth = verdictsOf(planted(PAPER, FIVE, 0, 0.02, undefined, others)).at(-1)!;
  expect(fifth.answers.map(({ decision }) => decision)).toEqual([
    ...["supported", "supported", "supported", "undecided"],
  ]);
  expect(fifth.why).toMatch(/3 of 4 hold.*not measured/);
});

test("the contrary of the paper contradicts it", () => {
  const contrary: Truth = (encoder, readout) => 1.2 - PAPER(encoder, readout);
  expect(decisions(planted(contrary, FIVE)).map((line) => line.split(": ")[1])).toEqual(
    new Array(7).fill("contradicted"),
  );
});

test("an encoder that is not above itself untrained does not count, however far it is from others", () => {
  const idle: Truth = (encoder, readout) =>
    encoder === "supervised" && readout.target === "parts" ? 0.1 : PAPER(encoder, readout);
  const verdicts = verdictsOf(planted(idle, FIVE));
  const ofParts = verdicts.filter(({ claim }) => claim === 2);
  expect(ofParts.map(({ decision }) => decision)).toEqual(["undecided", "undecided"]);
  expect(ofParts[0]!.why).toContain("not trained enough: supervised");
  expect(ofParts[0]!.answers.every(({ p, found }) => p === null && found !== null)).toBe(true);
  const lazy: Truth = (encoder, readout) => (encoder === "dino" ? 0.1 : PAPER(encoder, readout));
  const fourth = verdictsOf(planted(lazy, FIVE)).find(({ claim }) => claim === 4)!;
  expect([fourth.decision, fourth.probability! > 0.95]).toEqual(["undecided", true]);
  expect(fourth.why).toContain("not trained enough: dino");
});

test("the gate is each method's own first values: one that began high has not learned by being high", () => {
  const verdicts = verdictsOf(
    planted(PAPER, FIVE, 0, 0.02, (encoder) => (encoder === "mae" ? 0.6 : 0.1)), // MAE at parts is where it began
  );
  const ofMae = verdicts
    .filter(({ claim }) => claim === 2)
    .map(({ answers }) => answers.find(({ what }) => what.startsWith("mae"))!);
  for (const { why, idle, p } of ofMae)
    expect([why, idle, p]).toEqual(["not trained enough: mae", ["mae"], null]);
  const others = verdicts.filter(({ claim }) => claim === 3).map(({ decision }) => decision);
  expect(others).toEqual(["supported", "supported"]);
});

test("the gate is of the same runs as the result: every seed of a method counts in both", () => {
  const results = planted(PAPER, FIVE);
  const question = { target: "parts", probe: "linear" } as const;
  expect(results.beatsUntrained("dino", question)).toBe(true);
  const [verdict] = verdictsOf(results);
  expect(verdict!.answers.every(({ found }) => found!.seeds === 5)).toBe(true);
});

test("without first values nothing is decided, and that is why: nobody is said to be trained too little", () => {
  const others = planted(PAPER, FIVE, 0, 0.02, null);
  for (const { claim, decision, why } of verdictsOf(others)) {
    expect([decision, why], `${claim}`).toEqual([
      "undecided",
      expect.stringContaining("first values not measured"),
    ]);
    expect(why).not.toContain("not trained enough");
  }
});

test("one seed decides nothing and says so", () => {
  const verdicts = verdictsOf(planted(PAPER, [0]));
  expect(new Set(verdicts.map(({ decision }) => decision))).toEqual(new Set(["undecided"]));
  for (const { claim, why } of verdicts) expect(why, `${claim}`).toContain("one seed");
  expect(verdicts[0]!.answers[0]!.found!.seedError).toBeNull();
});

describe("where nothing is planted", () => {
  const level: Truth = () => 0.5;

  test("a claim is decided wrongly in at most 5 % of the draws, all of its comparisons together", () => {
    const DRAWS = 40;
    const wrong = new Map<number, number>();
    for (let draw = 0; draw < DRAWS; draw++) {
      const claims = new Set<number>();
      for (const { claim, answers } of verdictsOf(planted(level, [0, 1, 2], draw))) {
        if (answers.some(({ decision }) => decision !== "undecided")) claims.add(claim);
      }
      for (const claim of claims) wrong.set(claim, (wrong.get(claim) ?? 0) + 1);
    }
    const most = DRAWS * 0.05 + 3 * Math.sqrt(DRAWS * 0.05 * 0.95);
    for (const [claim, count] of wrong) expect(count, `claim ${claim}`).toBeLessThanOrEqual(most);
  });

  test("nobody is first", () => {
    const { probability, decision } = verdictsOf(planted(level, FIVE)).find(({ claim }) => claim === 4)!;
    expect(decision).not.toBe("supported");
    expect(probability).toBeLessThan(0.95);
  });
});

test("a study without some methods says how many it has", () => {
  const fourth = verdictsOf(new SetResults([])).find(({ claim }) => claim === 4)!;
  expect([fourth.decision, fourth.by, fourth.why]).toEqual([
    "undecided",
    "no readout",
    "0 of 6 methods are measured",
  ]);
});

test("validation seeds choose the rival of claim 1 and are in no result", () => {
  const results = planted(PAPER, [...FIVE, 100, 101]);
  const [first] = verdictsOf(results);
  expect(first!.answers.map(({ what, found }) => [what, found!.seeds])).toEqual([["supervised - ibot", 5]]);
  expect(first!.decision).toBe("supported");
});

test("seeds of one encoder on other pictures are refused by the cell's name", () => {
  const cell = (seed: number, items: number[]): ScoredCell => {
    const about = { target: "objects", probe: "linear", reading: "cls", score: 0.5, floor: 0.1 } as const;
    return {
      data: "toy",
      encoder: "dino",
      seed,
      readouts: [{ ...about, pictures: { items, sums: [1, 0] } }],
    };
  };
  const results = new SetResults([cell(0, [1, 1]), cell(1, [1, 2])]);
  const question = { target: "objects", probe: "linear", reading: "cls" } as const;
  expect(() => results.sample("dino", question)).toThrow(/^toy\/dino-1: must be of the pictures of/);
});

test("where a method has no validation seeds, the others' choose no rival", () => {
  const cells = (validated: readonly MethodName[]) =>
    SELF_SUPERVISED.flatMap((encoder) =>
      [0, ...(validated.includes(encoder) ? [100] : [])].map((seed): ScoredCell => {
        const about = { target: "objects", probe: "linear", score: 0.5, floor: 0.1 } as const;
        const { reading } = METHODS[encoder];
        const pictures = { items: [1, 1], sums: [1, 0] };
        return { data: "toy", encoder, seed, readouts: [{ ...about, reading, pictures }] };
      }),
    );
  const rivals = (validated: readonly MethodName[]) =>
    claimsOf(new SetResults(cells(validated)))[0]!.comparisons.map(({ theirs }) => theirs.encoders[0]);
  expect(rivals(SELF_SUPERVISED)).toHaveLength(1);
  expect(rivals(SELF_SUPERVISED.slice(1))).toEqual(SELF_SUPERVISED);
});

test("every method of the paper has a reading of its encoder", () => {
  const readings = Object.fromEntries(ENCODERS.map((name: MethodName) => [name, METHODS[name].reading]));
  expect(readings).toEqual({
    supervised: "cls",
    "moco-v3": "cls",
    dino: "cls",
    ibot: "cls",
    mae: "mean",
    beit: "mean",
    cae: "mean",
  });
});

test("what seeds add is drawn by other numbers than the pictures of any target", () => {
  expect(TARGETS.map((_, target) => target)).not.toContain(RUNS_SEED);
});

describe("what runs add to the chance of being first", () => {
  const ROUNDS = 4000;
  /** Of one picture, which nothing draws otherwise. */
  const shareOf = (ours: readonly number[][], theirs: readonly number[][]): number => {
    const samples = [ours, theirs].map((row) =>
      row.map((scores) => ({ items: [1], seeds: new Map(scores.map((score, seed) => [seed, [score]])) })),
    );
    const drawn = [ours, theirs].map((row) =>
      row.map((scores) => new Float64Array(ROUNDS).fill(meanAndStd(scores).mean)),
    );
    return shareFirst(samples, drawn, 0);
  };

  test.each([
    [
      [0.52, 0.55, 0.61],
      [0.5, 0.5, 0.53],
    ],
    [
      [0.5, 0.4, 0.6],
      [0.52, 0.47, 0.55],
    ],
  ])("of two methods on one readout is Student's: %j and %j", (ours, theirs) => {
    const { mean, std } = meanAndStd(ours.map((score, seed) => score - theirs[seed]!));
    const t = mean / (std! / Math.sqrt(3));
    const share = 0.5 + t / (2 * Math.hypot(t, Math.SQRT2)); // P(T < t) of two degrees of freedom
    const error = Math.sqrt((share * (1 - share)) / ROUNDS);
    expect(Math.abs(shareOf([ours], [theirs]) - share)).toBeLessThan(3 * error);
  });

  test("moves readouts together whose runs do, and methods whose runs do", () => {
    const [ours, theirs] = [
      [0.52, 0.55, 0.61],
      [0.5, 0.56, 0.53],
    ];
    const once = shareOf([ours!], [theirs!]);
    expect(once).toBeLessThan(1);
    expect(shareOf([ours!, ours!], [theirs!, theirs!])).toBe(once); // drawn apart, they would often be level
    expect(shareOf([ours!], [ours!.map((score) => score - 0.001)])).toBe(1);
  });
});

test("claim 4 is judged by what methods are asked, and says so", () => {
  const asked = [
    ["objects", "linear"],
    ["parts", "linear"],
    ["parts", "retrieval"],
  ] as const;
  const pictures = { items: [1, 1], sums: [1, 0] };
  const readouts = asked.map(([target, probe]) => ({
    ...{ target, probe, reading: METHODS.mae.reading, score: 0.5, floor: 0.1, pictures },
  }));
  const results = new SetResults([{ data: "toy", encoder: "mae", seed: 0, readouts }]);
  const { by } = verdictsOf(results).find(({ claim }) => claim === 4)!;
  expect(by).toBe("objects, linear; parts, linear, retrieval");
});

test("mean ranks: the highest score first, equal ones share", () => {
  expect(
    meanRanks([
      [0.9, 0.5],
      [0.7, 0.5],
      [0.1, 0.8],
    ]),
  ).toEqual([(1 + 2.5) / 2, (2 + 2.5) / 2, (3 + 1) / 2]);
});
