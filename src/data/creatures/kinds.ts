/**
 * What the labels of a built-in set mean. Where the label lives decides what supervision teaches: a label in the combination
 * of part shapes teaches parts, a label in the coat need not. A study that shipped one of them alone would be rigged.
 */
import { COATS, type Coat, sampleCoat } from "./coats.ts";
import { pick, type Uniform } from "./random.ts";
import { SPECIES, type Species } from "./species.ts";

/** How busy a picture is around its creature, and how freely the creature stands. */
export interface Surroundings {
  /** Fewest and most loose part shapes painted behind the creature, and before it. */
  behind: readonly [number, number];
  before: readonly [number, number];
  /** Colours of everything but the creature: share of the saturation and of the contrast that is left; null for all. */
  muted: { saturation: number; contrast: number } | null;
  /** Share of the range of every joint. */
  joints: number;
  /** Largest tilt of the whole creature, in degrees. */
  tilt: number;
}

/** One creature before it takes a pose. */
export interface Individual {
  species: Species;
  /** Its class's coat; null for colours by chance. */
  coat: Coat | null;
}

/** A way to label creatures. */
export interface Kind {
  classes: readonly string[];
  surroundings: Surroundings;
  /** A creature of class `label`. */
  individual(label: number, random: Uniform): Individual;
}

const BUSY: Surroundings = { behind: [6, 12], before: [0, 2], muted: null, joints: 1, tilt: 22 };

/** Raw pixels stay far below features that know shapes; measured in docs/results.md. */
const CALM: Surroundings = {
  behind: [3, 6],
  before: [0, 1],
  muted: { saturation: 0.6, contrast: 0.8 },
  joints: 0.7,
  tilt: 15,
};

/** Bodies of the coat set. Every one has head, eye, body, leg, tail and wing; which shapes those have is free. */
const PLANS = [
  { name: "quail", body: "round", neck: "short", legs: { count: 2, shape: "thin" } },
  { name: "crane", body: "round", neck: "long", legs: { count: 2, shape: "thin" } },
  { name: "hound", body: "long", neck: "short", legs: { count: 4, shape: "stubby" } },
  { name: "camel", body: "long", neck: "long", legs: { count: 4, shape: "thin" } },
] as const satisfies readonly Partial<Species>[];

const ofSpecies = (label: number): Individual => ({ species: SPECIES[label]!, coat: null });
const speciesNames = SPECIES.map(({ name }) => name);

export const KINDS = {
  /** Ten species among much else: what the tests and the first results used. */
  creatures: { classes: speciesNames, surroundings: BUSY, individual: ofSpecies },
  /** The same ten species in calmer surroundings: the label is the combination of part shapes. */
  "creatures-shape": { classes: speciesNames, surroundings: CALM, individual: ofSpecies },
  /** Four body plans in five coats each: the label is mostly colour and pattern, as with birds; part shapes are free. */
  "creatures-coat": {
    classes: PLANS.flatMap(({ name }) => COATS.map((coat) => `${coat} ${name}`)),
    surroundings: CALM,
    individual(label, random) {
      const plan = Math.floor(label / COATS.length);
      return {
        species: {
          ...PLANS[plan]!,
          head: pick(random, ["round", "long"]),
          tail: pick(random, ["fan", "whip", "puff"]),
          ear: pick(random, ["pointed", "long", null]),
          horn: pick(random, [true, false]),
          beak: pick(random, [true, false]),
          wing: true,
        },
        coat: sampleCoat(label % COATS.length, plan, random),
      };
    },
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
