import { describe, expect, test } from "vitest";
import { COATS } from "../../src/data/creatures/coats.ts";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { KINDS, type KindName } from "../../src/data/creatures/kinds.ts";
import { PART_NAMES } from "../../src/data/creatures/species.ts";
import type { ImageSet } from "../../src/data/images.ts";
import { partCrops } from "../../src/data/partCrops.ts";
import { hog } from "./hog.ts";
import { knnAccuracy, meanAveragePrecision, unitRows } from "./nearest.ts";

const SIDE = 32;
/** Five parts whose points never coincide: head and eye would take each other's crops away. */
const PARTS = ["head", "body", "leg", "tail", "wing"];

const pixelsOf = ({ pixels, count }: ImageSet): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => pixels.subarray(i * SIDE * SIDE * 3, (i + 1) * SIDE * SIDE * 3));

type Feature = (pixels: Uint8Array, i: number) => Float64Array;
const raw: Feature = (pixels) => Float64Array.from(pixels);
const gradients: Feature = (pixels) => hog(pixels, SIDE);
/** Numbers that know nothing of the picture, from a small linear congruential generator. */
const noise: Feature = (_, i) => {
  let state = i + 1;
  return Float64Array.from({ length: 64 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
};

const measured = new Map<string, number>();

/** k-NN accuracy on the labels of a set, by features centred on the training mean; measured once. */
function accuracy(kind: KindName, feature: Feature): number {
  const key = `${kind} ${feature.name}`;
  const found = measured.get(key) ?? measure(kind, feature);
  measured.set(key, found);
  return found;
}

/** Training and test pictures of a kind, drawn once. */
const drawn = new Map<KindName, ImageSet[]>();
function setsOf(kind: KindName): ImageSet[] {
  const sets =
    drawn.get(kind) ??
    (["train", "test"] as const).map((split) =>
      creatures({ kind, split, count: split === "train" ? 1000 : 200, seed: 1 }),
    );
  drawn.set(kind, sets);
  return sets;
}

function measure(kind: KindName, feature: Feature): number {
  const sets = setsOf(kind);
  const [train, query] = sets.map((set) => pixelsOf(set).map(feature));
  const [known, asked] = sets.map(({ labels }) => labels);
  return knnAccuracy(
    { rows: unitRows(train!, train!), labels: known! },
    { rows: unitRows(query!, train!), labels: asked! },
  );
}

/** Expected average precision of `right` items among `all` in a random order: prevalence, and a little for the first hit. */
function randomPrecision(right: number, all: number): number {
  let harmonic = 0;
  for (let i = 1; i <= all; i++) harmonic += 1 / i;
  return (harmonic + ((right - 1) / (all - 1)) * (all - harmonic)) / all;
}

describe.each(["creatures-shape", "creatures-coat"] as const)("%s", (kind) => {
  const crops = partCrops(creatures({ kind, count: 80, size: 128, seed: 2 }), {
    parts: PARTS,
    above: 10,
    size: SIDE,
  });
  const averagePrecision = (feature: Feature) => {
    const rows = pixelsOf(crops).map(feature);
    return meanAveragePrecision({ rows: unitRows(rows, rows), labels: crops.labels });
  };

  test("every part has its share of the crops", () => {
    for (const part of PARTS.keys()) {
      expect(crops.labels.filter((label) => label === part).length / crops.count).toBeGreaterThan(0.06);
    }
  });

  test("parts are found by shape, less by raw pixels, not by chance", () => {
    const counts = PARTS.map((_, part) => crops.labels.filter((label) => label === part).length);
    const byChance = counts.reduce((sum, n) => sum + n * randomPrecision(n - 1, crops.count - 1), 0);
    expect(averagePrecision(gradients)).toBeGreaterThan(averagePrecision(raw) + 0.08); // measured: + .19 and + .21
    expect(Math.abs(averagePrecision(noise) - byChance / crops.count)).toBeLessThan(0.005);
  });

  test("raw pixels do not give the class away", () => {
    expect(accuracy(kind, raw)).toBeLessThan(0.45); // measured with 2,000 pictures: .22 and .23
  });
});

test("the label of the shape set lives in shapes, that of the coat set does not", () => {
  expect(accuracy("creatures-shape", gradients)).toBeGreaterThan(accuracy("creatures-shape", raw) + 0.2); // .51 to .22
  expect(accuracy("creatures-coat", gradients)).toBeLessThan(accuracy("creatures-coat", raw)); // .13 to .23
});

test("coat classes are four bodies in five coats, balanced, and each has head, eye, body, leg, tail and wing", () => {
  const { classes } = KINDS["creatures-coat"];
  expect(classes).toHaveLength(20);
  for (const coat of COATS) expect(classes.filter((name) => name.startsWith(`${coat} `))).toHaveLength(4);
  const set = creatures({ kind: "creatures-coat", count: 200, size: 48, seed: 3 });
  for (let block = 0; block < 10; block++) {
    expect(new Set(set.labels.subarray(20 * block, 20 * block + 20)).size).toBe(20);
  }
  const missing = ["head", "eye", "body", "leg", "tail", "wing"].map((name) => {
    const part = (PART_NAMES as readonly string[]).indexOf(name);
    return Array.from({ length: 200 }, (_, i) => set.keypoints[(i * PART_NAMES.length + part) * 3]).filter(
      (x) => x === 0,
    ).length;
  });
  expect(missing).toEqual([0, 0, 0, 0, 0, 0]);
});

test("a class's part shapes are free: individuals of one class have every tail and both heads", () => {
  const { individual } = KINDS["creatures-coat"];
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const some = Array.from({ length: 60 }, () => individual(3, random));
  expect(new Set(some.map(({ species }) => species.tail)).size).toBe(3);
  expect(new Set(some.map(({ species }) => species.head)).size).toBe(2);
  expect(new Set(some.map(({ species }) => species.body)).size).toBe(1);
  expect(new Set(some.map(({ coat }) => coat.pattern)).size).toBe(1);
});
