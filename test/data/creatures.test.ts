import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { creaturePair, creatures } from "../../src/data/creatures/creatures.ts";
import { cosine, sine } from "../../src/data/creatures/sine.ts";
import { PART_NAMES, SPECIES } from "../../src/data/creatures/species.ts";

const sha256 = (...arrays: (Uint8Array | Float32Array | Int32Array)[]): string => {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of arrays)
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex");
};

/** Of two 32 x 32 pictures that start at `a` and `b`. */
function squaredDistance(x: Uint8Array, a: number, y: Uint8Array, b: number): number {
  let sum = 0;
  for (let i = 0; i < 3072; i++) {
    const d = x[a + i]! - y[b + i]!;
    sum += d * d;
  }
  return sum;
}

const set = creatures({ count: 200, seed: 7 });

test("a seed gives these bytes, on every machine", () => {
  const small = creatures({ count: 20, size: 32, seed: 2024, split: "test" });
  expect(sha256(small.pixels, small.labels, small.objectMask, small.partMask, small.keypoints)).toBe(
    "a4cf2ae6244ee811c8bcb4339b891f0b5b85701a7287126132b6b8f0dc4793fd",
  );
  const { first, second, flow, valid } = creaturePair({ index: 3, size: 48, seed: 2024 });
  expect(sha256(first.pixels, second.pixels, flow, valid)).toBe(
    "991ffb94fd9d486eb62f57f3f1028ad1d7147e3a8146323ee6d4b29291dd6c30",
  );
});

test("a set can be made in pieces; splits and seeds have nothing in common", () => {
  const piece = creatures({ count: 5, seed: 7, first: 100 });
  expect(piece.pixels).toEqual(set.pixels.slice(100 * 3072, 105 * 3072));
  expect(piece.keypoints).toEqual(set.keypoints.slice(100 * 30, 105 * 30));
  const heads = [
    set,
    creatures({ count: 200, seed: 7, split: "val" }),
    creatures({ count: 200, seed: 8 }),
  ].flatMap(({ pixels }) =>
    Array.from({ length: 200 }, (_, i) => pixels.subarray(i * 3072, i * 3072 + 64).join()),
  );
  expect(new Set(heads).size).toBe(600);
});

test("species are balanced in every block of ten", () => {
  for (let block = 0; block < 20; block++) {
    expect(new Set(set.labels.subarray(10 * block, 10 * block + 10)).size).toBe(10);
  }
});

test("every shape of a part belongs to two species or more, and every species is a combination of its own", () => {
  const shapes = SPECIES.flatMap(({ name, legs, ...parts }) =>
    Object.entries({ ...parts, legs: `${legs.count > 0} ${legs.count > 0 ? legs.shape : ""}` })
      .filter(([, shape]) => shape)
      .map(([part, shape]) => ({ name, shape: `${part} ${shape}` })),
  );
  for (const { shape } of shapes)
    expect(shapes.filter((s) => s.shape === shape).length, shape).toBeGreaterThan(1);
  expect(new Set(SPECIES.map(({ name, ...parts }) => JSON.stringify(parts))).size).toBe(SPECIES.length);
});

test("part masks fill the object mask and name only parts that the species has", () => {
  set.partMask.forEach((part, i) => {
    if (part > 0 !== (set.objectMask[i] === 1))
      throw new Error(`pixel ${i}: part ${part} and object mask disagree`);
  });
  for (let i = 0; i < set.count; i++) {
    const species = SPECIES[set.labels[i]!]!;
    const parts = new Set(set.partMask.subarray(i * 1024, (i + 1) * 1024));
    expect(parts.has(PART_NAMES.indexOf("wing") + 1) && !species.wing).toBe(false);
    expect(parts.has(PART_NAMES.indexOf("horn") + 1) && !species.horn).toBe(false);
    expect(parts.has(PART_NAMES.indexOf("leg") + 1) && species.legs.count === 0).toBe(false);
  }
});

test("the creature fills a fair share of the picture", () => {
  const shares = Array.from({ length: set.count }, (_, i) => {
    const mask = set.objectMask.subarray(i * 1024, (i + 1) * 1024);
    return mask.reduce((a, b) => a + b, 0) / 1024;
  }).sort((a, b) => a - b);
  expect(shares[100]).toBeGreaterThan(0.18);
  expect(shares[100]).toBeLessThan(0.32);
  expect(shares[10]).toBeGreaterThan(0.1);
  expect(shares[190]).toBeLessThan(0.45);
});

test("a visible keypoint lies on its part or next to it", () => {
  let visible = 0;
  for (let i = 0; i < set.count; i++) {
    for (let p = 0; p < PART_NAMES.length; p++) {
      const [x, y, seen] = set.keypoints.subarray((i * PART_NAMES.length + p) * 3);
      if (!seen) continue;
      visible++;
      const near = [-1, 0, 1].flatMap((dy) =>
        [-1, 0, 1].map((dx) => [Math.floor(x!) + dx, Math.floor(y!) + dy]),
      );
      const hit = near.some(([c, r]) => {
        const inside = c! >= 0 && r! >= 0 && c! < 32 && r! < 32;
        return inside && set.partMask[i * 1024 + r! * 32 + c!] === p + 1;
      });
      expect(hit).toBe(true);
    }
  }
  expect(visible / set.count).toBeGreaterThan(6);
});

test("flow carries creature pixels to the same part of the second frame", () => {
  let creature = 0;
  let kept = 0;
  let moved = 0;
  for (let index = 0; index < 30; index++) {
    const { first, second, flow, valid, size } = creaturePair({ index, seed: 5, size: 48 });
    for (let pixel = 0; pixel < size * size; pixel++) {
      if (first.objectMask[pixel] === 0) continue;
      creature++;
      const dx = flow[2 * pixel]!;
      const dy = flow[2 * pixel + 1]!;
      if (Math.abs(dx) + Math.abs(dy) > 1) moved++;
      if (valid[pixel] === 0) continue;
      kept++;
      const x = Math.floor((pixel % size) + 0.5 + dx);
      const y = Math.floor(Math.floor(pixel / size) + 0.5 + dy);
      expect(second.objectMask[y * size + x]).toBe(1);
      expect(second.partMask[y * size + x]).toBe(first.partMask[pixel]);
    }
  }
  expect(kept / creature).toBeGreaterThan(0.75);
  expect(moved / creature).toBeGreaterThan(0.5);
});

test("flow explains the change of colours: following it is far better than standing still", () => {
  let followed = 0;
  let still = 0;
  for (let index = 0; index < 20; index++) {
    const { first, second, flow, valid, size } = creaturePair({ index, seed: 6, size: 64 });
    for (let pixel = 0; pixel < size * size; pixel++) {
      if (valid[pixel] === 0) continue;
      const x = Math.floor((pixel % size) + 0.5 + flow[2 * pixel]!);
      const y = Math.floor(Math.floor(pixel / size) + 0.5 + flow[2 * pixel + 1]!);
      for (let c = 0; c < 3; c++) {
        const here = first.pixels[3 * pixel + c]!;
        followed += Math.abs(second.pixels[3 * (y * size + x) + c]! - here);
        still += Math.abs(second.pixels[3 * pixel + c]! - here);
      }
    }
  }
  expect(followed).toBeLessThan(0.5 * still);
});

test("raw pixels do not tell the species: 5 nearest neighbours stay near chance", () => {
  const train = creatures({ count: 1000, seed: 1 });
  const query = creatures({ count: 100, seed: 1, split: "test" });
  const [x, y] = [train.pixels, query.pixels];
  let right = 0;
  for (let q = 0; q < query.count; q++) {
    const distances = Array.from({ length: train.count }, (_, t) => ({
      sum: squaredDistance(x, t * 3072, y, q * 3072),
      label: train.labels[t]!,
    })).sort((a, b) => a.sum - b.sum);
    const votes = new Array<number>(10).fill(0);
    for (const { label } of distances.slice(0, 5)) votes[label]!++;
    if (votes.indexOf(Math.max(...votes)) === query.labels[q]) right++;
  }
  expect(right / query.count).toBeLessThan(0.25); // chance is 0.1; measured 0.13 with 6,000 training pictures
});

test("the sine is right and settings are checked", () => {
  for (let degrees = -720; degrees <= 720; degrees += 7.3) {
    expect(sine(degrees)).toBeCloseTo(Math.sin((degrees * Math.PI) / 180), 8);
    expect(cosine(degrees)).toBeCloseTo(Math.cos((degrees * Math.PI) / 180), 8);
  }
  expect(() => creatures({ count: 1, size: 4 })).toThrow(
    "size must be an integer of at least 8 pixels; got 4",
  );
  for (const wrong of [{ seed: 0.5 }, { seed: -1 }, { seed: 2 ** 32 }, { first: 2 ** 32 }]) {
    expect(() => creatures({ count: 1, ...wrong })).toThrow(
      "seed and index must be integers from 0 to 2^32 - 1",
    );
  }
  const [last, zero] = [2 ** 32 - 1, 0].map((seed) => creatures({ count: 1, size: 8, seed }).pixels);
  expect(last).not.toEqual(zero);
});
