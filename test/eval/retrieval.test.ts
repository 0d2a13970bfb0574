import { describe, expect, test } from "vitest";
import type { Features } from "../../src/eval/features.ts";
import { averagePrecision, guessedPrecision, retrieval } from "../../src/eval/probes/retrieval.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";

/** scikit-learn's definition, threshold by threshold: sum of (R_k - R_(k-1)) P_k. */
function precision64(scores: readonly number[], isRight: readonly boolean[]): number {
  const all = isRight.filter(Boolean).length;
  let [total, before] = [0, 0];
  for (const threshold of [...new Set(scores)].sort((a, b) => b - a)) {
    const above = scores
      .map((score, i) => ({ score, right: isRight[i]! }))
      .filter(({ score }) => score >= threshold);
    const right = above.filter((one) => one.right).length;
    total += ((right - before) / all) * (right / above.length);
    before = right;
  }
  return total;
}

const random = testRandom(7);
const randomFeatures = (
  count: number,
  dim: number,
  classes: number,
  value = () => random() - 0.5,
): Features => ({
  values: Float32Array.from({ length: count * dim }, value),
  labels: Int32Array.from({ length: count }, (_, i) => i % classes),
  dim,
  classes,
});

describe("average precision", () => {
  test.each([
    // scikit-learn 1.2: average_precision_score(y, s)
    { scores: [0.9, 0.8, 0.7, 0.6], right: [1, 0, 1, 0], wanted: 0.8333333333333333 },
    { scores: [0.1, 0.4, 0.35, 0.8], right: [0, 0, 1, 1], wanted: 0.8333333333333333 },
    { scores: [0.5, 0.5, 0.5, 0.5], right: [1, 0, 0, 0], wanted: 0.25 },
    { scores: [1, 0.5, 0.5, 0.2, 0.2], right: [1, 1, 0, 1, 0], wanted: 0.7555555555555555 },
  ])("$right by $scores", ({ scores, right, wanted }) => {
    const found = averagePrecision(Float32Array.from(scores), Int32Array.from(right), 1);
    expect(found).toBeCloseTo(wanted, 12);
  });

  test("many with ties, by the definition", () => {
    for (let round = 0; round < 50; round++) {
      const scores = Array.from({ length: 40 }, () => Math.floor(random() * 12) / 12);
      const labels = Int32Array.from(scores, () => Math.floor(random() * 3));
      const left = Math.floor(random() * 40);
      labels[left] = labels[(left + 1) % 40]!; // somebody else is right, too
      const f32 = Float32Array.from(scores);
      const isRight = [...labels].map((label) => label === labels[left]);
      expect(averagePrecision(f32, labels, labels[left]!)).toBeCloseTo(precision64(scores, isRight), 12);
      const without = <T>(list: readonly T[]) => list.filter((_, i) => i !== left);
      const wanted = precision64(without(scores), without(isRight));
      expect(averagePrecision(f32, labels, labels[left]!, left)).toBeCloseTo(wanted, 12);
      const other = labels.findIndex((label) => label !== labels[left]); // nobody who is right is left out
      const withoutOther = <T>(list: readonly T[]) => list.filter((_, i) => i !== other);
      expect(averagePrecision(f32, labels, labels[left]!, other)).toBeCloseTo(
        precision64(withoutOther(scores), withoutOther(isRight)),
        12,
      );
    }
  });
});

describe("what random order gives", () => {
  /** Mean average precision over every order of the answers, behind the query where it is kept. */
  function precisionOfAllOrders(right: number, total: number, keepSelf: boolean): number {
    const found: number[] = [];
    for (let bits = 0; bits < 2 ** total; bits++) {
      const order = Array.from({ length: total }, (_, i) => ((bits >> i) & 1) === 1);
      if (order.filter(Boolean).length !== right) continue;
      const isRight = keepSelf ? [true, ...order] : order;
      found.push(
        precision64(
          isRight.map((_, i) => -i),
          isRight,
        ),
      );
    }
    return found.reduce((sum, precision) => sum + precision, 0) / found.length;
  }

  test.each([true, false])("is the mean over all orders, with the query kept: %s", (keepSelf) => {
    for (const [right, total] of [
      [1, 1],
      [1, 6],
      [3, 7],
      [8, 8],
    ] as const) {
      const wanted = precisionOfAllOrders(right, total, keepSelf);
      expect(guessedPrecision(right, total, keepSelf)).toBeCloseTo(wanted, 12);
    }
    if (keepSelf) expect(guessedPrecision(0, 5, keepSelf)).toBe(1); // alone of its class, it finds itself
  });
});

describe("retrieval", () => {
  const on = withDevice();

  test("chunks change nothing", async () => {
    const { device } = on;
    const features = randomFeatures(150, 8, 3);
    const whole = await retrieval(device, features);
    const inChunks = await retrieval(device, features, { queryChunk: 32, bankChunk: 48 });
    expect(inChunks.precisions).toEqual(whole.precisions);
    expect(whole.ap).toBeGreaterThan(whole.prevalence); // each finds itself first
  });

  test.each([true, false])("random features give the guess, with the query kept: %s", async (keepSelf) => {
    // 60 crops of 5 classes: the share of the own class is 20.0 or 18.6 %, random order gives 33.6 or 23.8 %.
    const { device } = on;
    const [count, classes] = [60, 5];
    const tries = await Promise.all(
      Array.from({ length: 8 }, () => retrieval(device, randomFeatures(count, 64, classes), { keepSelf })),
    );
    const measured = tries.reduce((sum, { ap }) => sum + ap, 0) / tries.length;
    const { guess, prevalence } = tries[0]!;
    const others = keepSelf ? 0 : 1;
    expect(prevalence).toBeCloseTo((count / classes - others) / (count - others), 12);
    expect(guess).toBeGreaterThan(prevalence + 0.04);
    expect(Math.abs(measured - guess)).toBeLessThan(0.01);
  });

  test("a planted feature gives 1, labels that it does not hold give chance", async () => {
    const { device } = on;
    const planted = randomFeatures(200, 4, 4, () => 0);
    for (const [i, label] of planted.labels.entries()) planted.values[i * 4 + label] = 1;
    for (const keepSelf of [true, false]) {
      const { ap, mAp } = await retrieval(device, planted, { keepSelf });
      expect([ap, mAp]).toEqual([1, 1]);
    }
    const permuted = { ...planted, labels: planted.labels.map((_, i) => Math.floor(i / 50)) };
    const { ap } = await retrieval(device, permuted, { keepSelf: false });
    expect(Math.abs(ap - 0.25)).toBeLessThan(0.02);
  });

  test("AP is over queries, mAP over classes; a lone crop has no answer but itself", async () => {
    const { device } = on;
    const features: Features = {
      values: Float32Array.of(1, 0, 1, 0.1, 0, 1),
      labels: Int32Array.of(0, 0, 1),
      dim: 2,
      classes: 3,
    };
    const { ap, mAp, precisions } = await retrieval(device, features, { keepSelf: false });
    expect([...precisions]).toEqual([1, 1, Number.NaN]);
    expect([ap, mAp]).toEqual([1, 1]);
    const own = await retrieval(device, features);
    expect([...own.precisions]).toEqual([1, 1, 1]);
    const lone = retrieval(device, { ...features, labels: Int32Array.of(0, 1, 2) }, { keepSelf: false });
    await expect(lone).rejects.toThrow(
      "a class must have two rows or more where queries are left out; got 3 rows",
    );
    const bad = { ...features, labels: Int32Array.of(0, 3, 1) };
    await expect(retrieval(device, bad)).rejects.toThrow(
      "retrieval: labels must be in [0, 3); got 3 in row 1",
    );
  });
});
