import { describe, expect, test } from "vitest";
import type { Features } from "../../src/eval/features.ts";
import { chunkSizes, type FeatureRows } from "../../src/eval/probes/cosines.ts";
import { knn, nearest } from "../../src/eval/probes/knn.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";
import { toyFeatures } from "./toyFeatures.ts";

/** Cosines of every query to every row of the bank, in float64. */
function cosines64(test: Features, train: Features): number[][] {
  const unit = ({ values, labels, dim }: Features): number[][] =>
    [...labels].map((_, i) => {
      const row = [...values.subarray(i * dim, (i + 1) * dim)];
      const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
      return row.map((v) => v / Math.max(length, 1e-12));
    });
  const bank = unit(train);
  return unit(test).map((q) => bank.map((b) => b.reduce((sum, v, i) => sum + v * q[i]!, 0)));
}

/** Order of the bank for one query: cosine down, index up; cosines within 1e-6 count as equal. */
const order64 = (cosines: number[]): number[] =>
  cosines
    .map((_, i) => i)
    .sort((a, b) => (Math.abs(cosines[a]! - cosines[b]!) < 1e-6 ? a - b : cosines[b]! - cosines[a]!));

/** Top-1 and top-5 accuracy of the weighted vote, from its definition. */
function knn64(train: Features, test: Features, k: number): { top1: number; top5: number } {
  const ranks = cosines64(test, train).map((cosines, query) => {
    const votes = new Array<number>(train.classes).fill(0);
    for (const i of order64(cosines).slice(0, k)) votes[train.labels[i]!]! += Math.exp(cosines[i]! / 0.07);
    const ranked = votes.map((_, c) => c).sort((a, b) => votes[b]! - votes[a]! || a - b);
    return ranked.filter((c) => votes[c]! > 0).indexOf(test.labels[query]!);
  });
  const share = (limit: number): number =>
    ranks.filter((rank) => rank >= 0 && rank < limit).length / ranks.length;
  return { top1: share(1), top5: share(5) };
}

/** Rows repeated, some twice as long: exact ties in the cosine. */
function withTies(features: Features): Features {
  const { values, dim, labels } = features;
  const copied = values.slice();
  for (let i = 3; i < labels.length; i += 3) {
    for (let j = 0; j < dim; j++) copied[i * dim + j] = copied[(i - 3) * dim + j]! * (i % 2 ? 2 : 1);
  }
  return { ...features, values: copied };
}

describe("k-NN", () => {
  const on = withDevice();
  const train = withTies(toyFeatures({ count: 131, dim: 19, classes: 7, seed: 1, spread: 2, labels: "any" }));
  const queries = toyFeatures({ count: 53, dim: 19, classes: 7, seed: 2, spread: 2 });

  test("the nearest rows are those of float64, ties by rising index", async () => {
    const { similarities, indices } = await nearest(on.device, queries, train, 131);
    const expected = cosines64(queries, train);
    for (const [q, cosines] of expected.entries()) {
      const found = [...indices.subarray(q * 131, (q + 1) * 131)];
      expect(found).toEqual(order64(cosines));
      for (const [i, index] of found.entries()) {
        expect(Math.abs(similarities[q * 131 + i]! - cosines[index]!)).toBeLessThan(1e-6);
      }
    }
  });

  test("chunks change no bit", async () => {
    const whole = await nearest(on.device, queries, train, 20);
    const sizes = [
      { queryChunk: 7, bankChunk: 50 },
      { queryChunk: 53, bankChunk: 13 },
      { queryChunk: 64, bankChunk: 131 },
    ];
    for (const size of sizes) expect(await nearest(on.device, queries, train, 20, size)).toEqual(whole);
  });

  test("chunks of raw pixels fit a binding, and so do their cosines", () => {
    const limits = { ...on.device.limits, maxStorageBufferBindingSize: 2 ** 27 }; // what every adapter has
    const many = { length: 2 ** 31 } as Float32Array; // more rows than any chunk
    const rows = (dim: number): FeatureRows => ({ values: many, dim });
    for (const dim of [16, 768, 3 * 224 ** 2, 2 ** 25]) {
      const wanted = { queryChunk: 256, bankChunk: 16_384 };
      const { queryRows, bankRows } = chunkSizes({ limits }, rows(dim), rows(dim), wanted);
      for (const numbers of [queryRows * dim, bankRows * dim, queryRows * bankRows]) {
        expect(4 * numbers).toBeLessThanOrEqual(2 ** 27);
      }
      expect([queryRows, bankRows]).toEqual(
        dim < 1000 ? [256, 16_384] : dim === 2 ** 25 ? [1, 1] : [222, 222],
      );
    }
  });

  test("accuracies are those of a float64 brute force", async () => {
    const { scores, chance, bankSize } = await knn(on.device, train, queries, { k: [1, 5, 10, 20, 100] });
    for (const { k, neighbours, top1, top5 } of scores) {
      expect(neighbours).toBe(k);
      expect({ k, top1, top5 }).toEqual({ k, ...knn64(train, queries, k) });
    }
    expect([chance, bankSize]).toEqual([1 / 7, 131]);
  });

  test("the k of the paper when none is named, at its temperature", async () => {
    const { scores, temperature } = await knn(on.device, train, queries);
    expect(scores.map(({ k }) => k)).toEqual([10, 20, 100, 200]);
    expect(temperature).toBe(0.07);
  });

  test("a k beyond the bank takes the whole bank and says so", async () => {
    const { scores } = await knn(on.device, train, queries, { k: [131, 500] });
    expect(scores.map(({ k, neighbours }) => [k, neighbours])).toEqual([
      [131, 131],
      [500, 131],
    ]);
    expect(scores[1]!.top1).toBe(scores[0]!.top1);
  });

  test("separable classes are all found, random labels are not", async () => {
    const sets = { count: 300, dim: 8, classes: 10 };
    const own = await knn(on.device, toyFeatures({ ...sets, seed: 3 }), toyFeatures({ ...sets, seed: 4 }));
    expect(own.scores.map(({ top1 }) => top1).slice(0, 2)).toEqual([1, 1]);
    const any = await knn(
      on.device,
      toyFeatures({ ...sets, seed: 3, labels: "any" }),
      toyFeatures({ ...sets, seed: 4, labels: "any" }),
    );
    for (const { top1 } of any.scores) expect(Math.abs(top1 - 0.1)).toBeLessThan(0.06); // 3.5 deviations of 300
    expect(any.majority).toBeLessThan(0.2);
  });

  test("equal votes go to the lower class, and a class without a vote is no hit", async () => {
    const bank: Features = {
      values: Float32Array.of(1, 0, 0, 1),
      labels: Int32Array.of(4, 2),
      dim: 2,
      classes: 6,
    };
    const both: Features = {
      values: Float32Array.of(1, 1, 1, 1, 1, 1),
      labels: Int32Array.of(2, 4, 0),
      dim: 2,
      classes: 6,
    };
    const { scores } = await knn(on.device, bank, both, { k: [2] });
    expect([...scores[0]!.hits]).toEqual([1, 0, 0]);
    expect(scores[0]!.top5).toBeCloseTo(2 / 3, 12);
  });

  test("a row of zeros is at cosine 0, above negative ones and below padding never seen", async () => {
    const next = testRandom(9);
    const values = Float32Array.from({ length: 5 * 4 }, (_, i) => (i < 4 ? 0 : -next()));
    const found = await nearest(
      on.device,
      { values: Float32Array.of(1, 1, 1, 1), dim: 4 },
      { values, dim: 4 },
      5,
      {
        bankChunk: 3,
      },
    );
    expect(found.indices[0]).toBe(0);
    expect(found.similarities[0]).toBe(0);
    expect([...found.indices].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  test("what cannot be right is refused in one sentence", async () => {
    const broken = { ...train, values: train.values.slice() };
    broken.values[40] = Number.NaN;
    await expect(knn(on.device, broken, queries)).rejects.toThrow(/finite number; got NaN in row 2/);
    await expect(
      knn(on.device, { ...train, dim: 131, labels: train.labels.slice(0, 19) }, queries),
    ).rejects.toThrow(/one dim/);
    await expect(knn(on.device, train, { ...queries, labels: queries.labels.map(() => -1) })).rejects.toThrow(
      /labelled/,
    );
    const zeros = { ...train, labels: train.labels.map(() => 0) };
    const ones = { ...queries, labels: queries.labels.map(() => 1) };
    await expect(knn(on.device, zeros, ones)).rejects.toThrow(/some test label must be among the training/);
    await expect(knn(on.device, train, queries, { k: [] })).rejects.toThrow(/k must be/);
    await expect(nearest(on.device, queries, train, 132)).rejects.toThrow(/k be in \[1, 131\]/);
  });
});
