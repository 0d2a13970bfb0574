import { describe, expect, it } from "vitest";
import { philox4x32, Random, STREAMS, seedKey, uniformFromBits } from "../../src/engine/random.ts";

const words = (text: string): number[] => text.split(" ").map((word) => Number.parseInt(word, 16));
const draw = (count: number, next: () => number): number[] => Array.from({ length: count }, next);
const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => a + b, 0) / values.length;

describe("philox4x32", () => {
  // Random123 1.14, tests/kat_vectors, rows "philox4x32 10": counter, key, expected words.
  it.each([
    ["00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    ["ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
    ["243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
  ])("gives the published words for counter %s and key %s", (counter, key, expected) => {
    const [c0, c1, c2, c3] = words(counter) as [number, number, number, number];
    const [k0, k1] = words(key) as [number, number];
    expect([...philox4x32([c0, c1, c2, c3], [k0, k1])]).toEqual(words(expected));
  });

  it("equals a definition with 64-bit integers", () => {
    const reference = (counter: number[], key: number[]): number[] => {
      let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
      let [k0, k1] = key.map(BigInt) as [bigint, bigint];
      const mask = 0xffffffffn;
      for (let round = 0; round < 10; round++) {
        const first = a * 0xd2511f53n;
        const second = c * 0xcd9e8d57n;
        [a, b, c, d] = [(second >> 32n) ^ b ^ k0, second & mask, (first >> 32n) ^ d ^ k1, first & mask];
        k0 = (k0 + 0x9e3779b9n) & mask;
        k1 = (k1 + 0xbb67ae85n) & mask;
      }
      return [a, b, c, d].map(Number);
    };
    const random = new Random(1, "test");
    for (let i = 0; i < 500; i++) {
      const counter = draw(4, () => random.nextU32()) as [number, number, number, number];
      const key = draw(2, () => random.nextU32()) as [number, number];
      expect([...philox4x32(counter, key)]).toEqual(reference(counter, key));
    }
  });
});

describe("uniformFromBits", () => {
  it("spans [0, 1) exactly in f32", () => {
    expect(uniformFromBits(0)).toBe(0);
    expect(uniformFromBits(0x80000000)).toBe(0.5);
    expect(uniformFromBits(0x1ff)).toBe(2 ** -24);
    expect(uniformFromBits(0xffffffff)).toBe(1 - 2 ** -24);
    for (const bits of philox4x32([1, 2, 3, 4], [5, 6])) {
      expect(Math.fround(uniformFromBits(bits))).toBe(uniformFromBits(bits));
    }
  });
});

describe("seedKey", () => {
  it("splits a seed into 32-bit halves", () => {
    expect(seedKey(7)).toEqual([7, 0]);
    expect(seedKey(5 * 2 ** 32 + 0xfffffff0)).toEqual([0xfffffff0, 5]);
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN])("refuses %s", (seed) => {
    expect(() => seedKey(seed)).toThrow("seedKey: seed must be a whole number");
  });
});

describe("Random", () => {
  it("reads the words of its counter in order", () => {
    const seed = 3 * 2 ** 32 + 9;
    const random = new Random(seed, "mask", 41);
    const expected = [0, 1, 2].flatMap((block) => [...philox4x32([block, 41, STREAMS.mask, 0], [9, 3])]);
    expect(draw(12, () => random.nextU32())).toEqual(expected);
    const again = new Random(seed, "mask", 41);
    expect(draw(12, () => again.next())).toEqual(expected.map(uniformFromBits));
  });

  it("gives each stream its own number", () => {
    const numbers = Object.values(STREAMS);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it("forks from the beginning, whatever was drawn before", () => {
    const used = new Random(5, "init");
    draw(7, () => used.normal());
    const fork = used.fork("order", 2);
    const fresh = new Random(5, "order", 2);
    expect(draw(9, () => fork.nextU32())).toEqual(draw(9, () => fresh.nextU32()));
  });

  it("differs between seeds, streams and steps", () => {
    const firsts = [new Random(0, "init"), new Random(1, "init"), new Random(2 ** 32, "init")]
      .concat([new Random(0, "order"), new Random(0, "init", 1)])
      .map((random) => random.nextU32());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it("draws uniform numbers without bias", () => {
    const values = new Random(11, "test").fillUniform(new Float32Array(200_000));
    const bins = new Float64Array(100);
    for (const value of values) bins[Math.floor(value * 100)]! += 1;
    const chiSquare = bins.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chiSquare).toBeGreaterThan(60); // 99 degrees of freedom: 60 and 149 leave out 1 in 1000 on either side
    expect(chiSquare).toBeLessThan(149);
  });

  it("draws normals with the moments of N(0, 1)", () => {
    const values = new Random(12, "test").fillNormal(new Float32Array(400_000));
    const moment = (power: number): number => mean(values.map((value) => value ** power));
    // Bounds: five standard errors, √(var(x^p) / n) = .0016, .0022, .0061, .0155.
    expect(Math.abs(moment(1))).toBeLessThan(0.008);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.011);
    expect(Math.abs(moment(3))).toBeLessThan(0.031);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.078);
    const lagged = mean(values.subarray(1).map((value, i) => value * values[i]!));
    expect(Math.abs(lagged)).toBeLessThan(0.008);
  });

  it("fills as it draws", () => {
    const one = new Random(13, "init");
    const filled = new Random(13, "init").fillNormal(new Float32Array(101), 0.02, 1);
    expect([...filled]).toEqual(draw(101, () => Math.fround(1 + 0.02 * one.normal())));
  });

  it("keeps truncated normals in bounds with the right spread", () => {
    const random = new Random(14, "init");
    const values = draw(100_000, () => random.truncatedNormal(0.5, 0, -0.5, 0.5));
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.5);
    // Cut at ±1σ the variance is 1 − 2φ(1)/(2Φ(1) − 1) = 0.29112 σ².
    expect(mean(values.map((value) => value ** 2)) / 0.25).toBeCloseTo(0.29112, 2);
    expect(mean(values)).toBeCloseTo(0, 2);
  });

  it("leaves timm's default truncation at std 0.02 without effect", () => {
    const truncated = new Random(15, "init");
    const plain = new Random(15, "init");
    expect(draw(1000, () => truncated.truncatedNormal(0.02))).toEqual(
      draw(1000, () => 0.02 * plain.normal()),
    );
  });

  it("refuses truncation far outside the mean", () => {
    expect(() => new Random(0, "init").truncatedNormal(1, 0, 3, 4)).toThrow("mean within two std");
  });

  it("draws whole numbers below a count evenly", () => {
    const random = new Random(16, "test");
    const counts = new Float64Array(7);
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]! += 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(470); // 5 σ
    expect(() => random.below(0)).toThrow("Random.below: count must be");
  });

  it("permutes", () => {
    const order = new Random(17, "order").permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    const fixed = [...order].filter((value, i) => value === i).length; // about Poisson(1)
    expect(fixed).toBeLessThan(8);
    expect(new Random(17, "order").permutation(1000)).toEqual(order);
    expect(new Random(17, "order", 1).permutation(1000)).not.toEqual(order);
    expect(new Random(0, "order").permutation(0).length).toBe(0);
  });

  it("refuses a step beyond 32 bits", () => {
    expect(() => new Random(0, "init", 2 ** 32)).toThrow("Random: step must be a whole number");
  });
});
