import { describe, expect, test } from "vitest";
import { Pool } from "../../../src/engine/gpu/pool.ts";
import { fill } from "../../../src/engine/graph/fill.ts";
import type { Tensor } from "../../../src/engine/graph/tensor.ts";
import { add, square } from "../../../src/engine/ops/elementwise.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();
const MIB = 2 ** 20;
const buffer = (size: number) => ({ size }) as GPUBuffer;

describe("what waits for reuse is bounded", () => {
  test("by 16 MiB for a small program, whatever sizes it has gone through", async () => {
    const { device } = on;
    await device.allocator.trim();
    const start = device.counters.bytesHeld;
    let most = 0;
    for (let round = 0; round < 250; round++) {
      const size = 256 * (round + 1); // 1 KiB more each time, to 256,000 bytes
      const total = device.tidy(() => sum(add(fill(device, [size], 1), square(fill(device, [size], 2)))));
      if (round % 25 === 24) expect(await total.item()).toBe(5 * size);
      total.dispose();
      most = Math.max(most, device.counters.bytesHeld - start);
    }
    expect(most).toBeLessThanOrEqual(19 * MIB); // 128 MB unbounded
    await device.allocator.trim();
    expect(device.counters.bytesHeld - start).toBeLessThanOrEqual(2 * MIB); // uniforms
  });

  test("by twice what a program takes and gives back, beside what it keeps", () => {
    const pool = new Pool();
    for (let i = 0; i < 10; i++) pool.take(100 * MIB); // kept for good
    for (let i = 0; i < 5000; i++) {
      pool.take(MIB);
      pool.give(buffer(MIB));
    }
    let waiting = MIB;
    for (let i = 0; i < 200; i++) {
      const size = 20 * MIB + i;
      const found = pool.take(size);
      expect(found).toBeUndefined();
      waiting += size;
      for (const old of pool.give(buffer(size))) waiting -= old.size;
      expect(waiting).toBeLessThanOrEqual(2 * size);
    }
    expect(pool.empty().reduce((all, { size }) => all + size, 0)).toBe(waiting);
  });

  test("and shrinks when the program has become smaller", () => {
    const pool = new Pool();
    const large = Array.from({ length: 4 }, () => buffer(100 * MIB));
    for (const { size } of large) pool.take(size);
    expect(large.flatMap((one) => pool.give(one))).toEqual([]);
    const surplus: GPUBuffer[] = [];
    for (let i = 0; i < 5000; i++) {
      const small = pool.take(MIB) ?? buffer(MIB);
      surplus.push(...pool.give(small));
    }
    expect(surplus).toEqual(large);
  });
});

describe("within the bound nothing is created twice", () => {
  test("for rounds that alternate between two sets of sizes", () => {
    const pool = new Pool();
    const sets = [[30, 50, 80].map((n) => n * MIB), [31, 49, 81].map((n) => n * MIB)];
    let created = 0;
    for (let round = 0; round < 3000; round++) {
      const taken = sets[round % 2]!.map((size) => {
        const found = pool.take(size);
        if (!found) created++;
        return found ?? buffer(size);
      });
      for (const one of taken) expect(pool.give(one)).toEqual([]);
    }
    expect(created).toBe(6);
  });
});

test("what is destroyed is used by nothing that is still to be submitted", async () => {
  const { device } = on;
  const results: Tensor[] = [];
  for (let round = 0; round < 60; round++) {
    const size = 300_000 + 64 * round;
    results.push(device.tidy(() => sum(square(fill(device, [size], 2))))); // the 1.2 MB parts give way to each other
  }
  for (const [round, total] of results.entries()) expect(await total.item()).toBe(4 * (300_000 + 64 * round));
});
