import fc from "fast-check";
import { expect, test } from "vitest";
import { permutation, planBatches, uniformBelow } from "../../src/data/batches.ts";

/** A small generator for tests: xorshift, any nonzero seed. */
function xorshift(seed: number): () => number {
  let x = (seed | 0) === 0 ? 1 : seed | 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

test("a permutation holds every index once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer(), (count, seed) => {
      const sorted = [...permutation(count, xorshift(seed))].sort((a, b) => a - b);
      expect(sorted).toEqual(Array.from({ length: count }, (_, i) => i));
    }),
  );
});

test("all orders of four are equally frequent", () => {
  const next = xorshift(12345);
  const counts = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const key = permutation(4, next).join("");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  const chi2 = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  expect(chi2).toBeLessThan(49.7); // 23 degrees of freedom, p = 0.001
});

test("values of the incomplete block are drawn again", () => {
  const values = [2 ** 32 - 1, 5]; // 2^32 - 1 = 3 * 1431655765 is the one value too many
  expect(uniformBelow(3, () => values.shift()!)).toBe(2);
  expect(uniformBelow(2 ** 31, () => 2 ** 32 - 1)).toBe(2 ** 31 - 1);
});

const shuffle = (epoch: number) => xorshift(epoch + 77);

test("an epoch covers the set, and epochs differ", () => {
  const plan = planBatches({ count: 10, batchSize: 3, dropLast: false, shuffle });
  const epoch = (e: number) => [0, 1, 2, 3].flatMap((step) => [...plan.indices({ epoch: e, step })]);
  expect(plan.stepsPerEpoch).toBe(4);
  expect(plan.indices({ epoch: 0, step: 3 })).toHaveLength(1);
  expect([...epoch(0)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(epoch(0)).not.toEqual(epoch(1));
});

test("dropLast leaves whole batches; null keeps the order", () => {
  const plan = planBatches({ count: 10, batchSize: 4, shuffle: null });
  expect(plan.stepsPerEpoch).toBe(2);
  expect([...plan.indices({ epoch: 3, step: 1 })]).toEqual([4, 5, 6, 7]);
  expect(plan.position(5)).toEqual({ epoch: 2, step: 1 });
});

test("a run resumed anywhere sees the batches of the uninterrupted one", () => {
  const take = (start: { epoch: number; step: number } | undefined, n: number) => {
    const batches = planBatches({ count: 23, batchSize: 5, shuffle }).from(start);
    return Array.from({ length: n }, () => batches.next().value).map((b) => [b.epoch, b.step, ...b.indices]);
  };
  const whole = take(undefined, 14);
  const plan = planBatches({ count: 23, batchSize: 5, shuffle });
  for (const at of [1, 4, 7, 12]) expect(take(plan.position(at), 14 - at)).toEqual(whole.slice(at));
});

/** What the ranks of DeiT's RASampler take of an epoch's order, in the order of their own batches -> [ranks][samples]. */
function raSampler(order: readonly number[], ranks: number): number[][] {
  const tripled = order.flatMap((index) => [index, index, index]);
  const each = Math.ceil(tripled.length / ranks);
  tripled.push(...tripled.slice(0, each * ranks - tripled.length));
  const selected = Math.floor((Math.floor(order.length / 256) * 256) / ranks);
  return Array.from({ length: ranks }, (_, rank) =>
    tripled.filter((_, place) => place % ranks === rank).slice(0, selected),
  );
}

test.each([
  { count: 1300, ranks: 8, each: 64 },
  { count: 800, ranks: 4, each: 64 },
  { count: 530, ranks: 2, each: 128 },
])("three repeats are DeiT's sampler: $count pictures, $ranks ranks of $each", ({ count, ranks, each }) => {
  const batchSize = ranks * each;
  const plan = planBatches({ count, batchSize, repeats: 3, shuffle });
  const single = planBatches({ count, batchSize, shuffle });
  for (const epoch of [0, 1]) {
    const byRank = raSampler([...permutation(count, shuffle(epoch))], ranks);
    expect(plan.stepsPerEpoch).toBe(Math.floor(byRank[0]!.length / each)); // its loader drops the last batch, too
    expect(plan.stepsPerEpoch).toBe(single.stepsPerEpoch);
    const shown = new Set<string>();
    for (let step = 0; step < plan.stepsPerEpoch; step++) {
      // Sample i of rank r is place r + ranks i of the batch that the ranks have together.
      const together = Array.from(
        { length: batchSize },
        (_, place) => byRank[place % ranks]![step * each + Math.floor(place / ranks)],
      );
      const [indices, copies] = [plan.indices({ epoch, step }), plan.copies({ epoch, step })];
      expect([...indices]).toEqual(together);
      for (const [i, index] of indices.entries()) shown.add(`${index} ${copies[i]}`);
    }
    const places = plan.stepsPerEpoch * batchSize;
    expect(shown.size).toBe(places); // no copy comes twice
    expect(new Set([...shown].map((key) => key.split(" ")[0])).size).toBe(Math.ceil(places / 3));
  }
});

test("copies are counted through the epoch, over the ends of batches", () => {
  const plan = planBatches({ count: 8, batchSize: 4, repeats: 3, shuffle: null });
  const [first, second] = [plan.position(0), plan.position(1)];
  expect([first, second].map((at) => [...plan.indices(at)])).toEqual([
    [0, 0, 0, 1],
    [1, 1, 2, 2],
  ]);
  expect([first, second].map((at) => [...plan.copies(at)])).toEqual([
    [0, 1, 2, 0],
    [1, 2, 0, 1],
  ]);
  const once = planBatches({ count: 10, batchSize: 4, dropLast: false, shuffle });
  expect([...once.copies({ epoch: 0, step: 2 })]).toEqual([0, 0]);
});

test("impossible plans and positions are refused", () => {
  expect(() => planBatches({ count: 3, batchSize: 4, shuffle: null })).toThrow(
    "got 3 pictures and batches of 4",
  );
  expect(() => planBatches({ count: 8, batchSize: 4, repeats: 0, shuffle: null })).toThrow(
    "planBatches: repeats must be a whole number of at least 1; got 0.",
  );
  const plan = planBatches({ count: 8, batchSize: 4, shuffle: null });
  expect(() => plan.indices({ epoch: 0, step: 2 })).toThrow("step in [0, 2); got 0, 2");
  expect(() => plan.copies({ epoch: 0, step: 2 })).toThrow("step in [0, 2); got 0, 2");
});
