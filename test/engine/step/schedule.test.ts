import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  constant,
  cosine,
  cosineMomentum,
  linear,
  linspaceCosine,
  perEpoch,
  piecewise,
  type Schedule,
  warmupCosine,
  warmupPolynomial,
} from "../../../src/engine/step/schedule.ts";

const DIGITS = 14;

/** Fails unless schedule gives the paired values, by hand from the formula in its docstring. */
function expectValues(schedule: Schedule, expected: [step: number, value: number][]): void {
  for (const [step, value] of expected) expect(schedule(step), `step ${step}`).toBeCloseTo(value, DIGITS);
}

const values = (schedule: Schedule, count: number): number[] =>
  Array.from({ length: count }, (_, t) => schedule(t));
const ROOT_HALF = Math.SQRT1_2;

describe("constant and linear", () => {
  it("give the values of their formulas", () => {
    expectValues(constant(0.3), [
      [0, 0.3],
      [1e9, 0.3],
    ]);
    expectValues(linear({ from: 1, to: 3, steps: 4 }), [
      [0, 1],
      [1, 1.5],
      [2.5, 2.25],
      [4, 3],
      [9, 3],
    ]);
  });

  it("linear equals numpy's linspace, even with one point", () => {
    // np.linspace(.04, .07, 4), the warm-up of DINO's teacher temperature over four epochs
    expectValues(linear({ from: 0.04, to: 0.07, steps: 3 }), [
      [0, 0.04],
      [1, 0.05],
      [2, 0.06],
      [3, 0.07],
    ]);
    expectValues(linear({ from: 5, to: 6, steps: 0 }), [
      [0, 5],
      [1, 6],
    ]);
  });
});

describe("cosine", () => {
  it("gives the values of its formula", () => {
    // DINO's weight decay from .04 to .4: cos of 0, π/4, π/2, 3π/4, π
    expectValues(cosine({ from: 0.04, to: 0.4, steps: 8 }), [
      [0, 0.04],
      [2, 0.4 - 0.18 * (1 + ROOT_HALF)],
      [4, 0.22],
      [6, 0.4 - 0.18 * (1 - ROOT_HALF)],
      [8, 0.4],
      [20, 0.4],
    ]);
  });

  it("gives MoCo v3's momentum: 1 − ½(1 + cos(π e/E))·(1 − m0)", () => {
    const steps = 300;
    const momentum = cosineMomentum(0.99, steps);
    for (const step of [0, 1, 75.5, 150, 299, 300]) {
      const official = 1 - 0.5 * (1 + Math.cos((Math.PI * step) / steps)) * (1 - 0.99);
      expect(momentum(step)).toBeCloseTo(official, DIGITS);
    }
    expectValues(momentum, [
      [0, 0.99],
      [150, 0.995],
      [300, 1],
    ]);
  });
});

describe("warmupCosine", () => {
  it("gives the values of MAE's formula", () => {
    expectValues(warmupCosine({ base: 1, min: 0.2, warmupSteps: 4, totalSteps: 12 }), [
      [0, 0],
      [1, 0.25],
      [3, 0.75],
      [3.5, 0.875],
      [4, 1],
      [6, 0.6 + 0.4 * ROOT_HALF],
      [8, 0.6],
      [12, 0.2],
      [50, 0.2],
    ]);
  });

  it("starts at base without a warm-up and ends at 0 by default", () => {
    expectValues(warmupCosine({ base: 2, warmupSteps: 0, totalSteps: 10 }), [
      [0, 2],
      [5, 1],
      [10, 0],
    ]);
  });

  it("rises to base, falls to min and stays within", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (warmupSteps, decaySteps, ratio) => {
          const totalSteps = warmupSteps + decaySteps;
          const rates = values(
            warmupCosine({ base: 2, min: 2 * ratio, warmupSteps, totalSteps }),
            totalSteps + 1,
          );
          for (let t = 1; t <= totalSteps; t++) {
            if (t <= warmupSteps) expect(rates[t]!).toBeGreaterThan(rates[t - 1]!);
            else expect(rates[t]!).toBeLessThanOrEqual(rates[t - 1]!);
          }
          expect(rates[warmupSteps]).toBe(2);
          expect(rates[totalSteps]).toBeCloseTo(2 * ratio, DIGITS);
        },
      ),
    );
  });

  it("refuses a total within the warm-up", () => {
    expect(() => warmupCosine({ base: 1, warmupSteps: 5, totalSteps: 5 })).toThrow(
      "warmupCosine: totalSteps must be above warmupSteps 5; got 5",
    );
    expect(() => warmupCosine({ base: 1, warmupSteps: -1, totalSteps: 5 })).toThrow(
      "warmupCosine: warmupSteps must be a number of at least 0; got -1",
    );
  });
});

describe("linspaceCosine", () => {
  it("equals linspace, then a cosine one short of its end", () => {
    expectValues(linspaceCosine({ base: 0.9, min: 0.1, warmupSteps: 4, totalSteps: 12 }), [
      [0, 0],
      [1, 0.3],
      [2, 0.6],
      [3, 0.9],
      [4, 0.9],
      [6, 0.5 + 0.4 * ROOT_HALF],
      [8, 0.5],
      [11, 0.5 + 0.4 * Math.cos((7 / 8) * Math.PI)],
      [12, 0.1],
    ]);
  });

  it("starts where told, with a warm-up of one update or none", () => {
    expectValues(linspaceCosine({ base: 1, start: 0.5, warmupSteps: 1, totalSteps: 3 }), [
      [0, 0.5],
      [1, 1],
      [2, 0.5],
    ]);
    expectValues(linspaceCosine({ base: 1, warmupSteps: 0, totalSteps: 2 }), [
      [0, 1],
      [1, 0.5],
    ]);
  });
});

describe("warmupPolynomial", () => {
  it("gives the segmentation recipe's line with its warm-up", () => {
    expectValues(warmupPolynomial({ base: 1, startRatio: 0.1, warmupSteps: 2, totalSteps: 10 }), [
      [0, 0.1],
      [1, 0.9 * 0.55],
      [2, 0.8],
      [5, 0.5],
      [10, 0],
      [11, 0],
    ]);
    expectValues(warmupPolynomial({ base: 3, min: 1, power: 2, warmupSteps: 0, totalSteps: 4 }), [
      [0, 3],
      [2, 1.5],
      [4, 1],
    ]);
  });
});

describe("piecewise and perEpoch", () => {
  it("multiply at each milestone", () => {
    expectValues(piecewise({ base: 1, milestones: [3, 6], factor: 0.5 }), [
      [0, 1],
      [2, 1],
      [3, 0.5],
      [5, 0.5],
      [6, 0.25],
    ]);
    expectValues(piecewise({ base: 2, milestones: [1] }), [
      [0, 2],
      [1, 0.2],
    ]);
    expect(() => piecewise({ base: 1, milestones: [3, 3] })).toThrow(
      "piecewise: milestones must rise; got 3, 3",
    );
  });

  it("hold a schedule still within an epoch", () => {
    const schedule = perEpoch(linear({ from: 0, to: 2, steps: 2 }), 3);
    expect(values(schedule, 8)).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
    expect(() => perEpoch(schedule, 0)).toThrow(
      "perEpoch: stepsPerEpoch must be a number of at least 1; got 0",
    );
  });
});
