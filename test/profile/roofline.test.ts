import { describe, expect, test } from "vitest";
import type { TimedDispatch } from "../../src/engine/capture/timing.ts";
import { byKernel } from "../../src/profile/byKernel.ts";
import { measureRoofline } from "../../src/profile/measure.ts";
import { boundMs, memoryRates, type Roofline } from "../../src/profile/roofline.ts";
import { leastSeconds } from "../../src/profile/stopwatch.ts";
import { withDevice } from "../withDevice.ts";

const MIB = 2 ** 20;
/** An NVIDIA H100, as it was measured: seconds of a launch, and 10^9 bytes a second. */
const LAUNCH = 2.2e-6;
const MEMORY = 2980;
const QUEUE = 845;
const CACHE = 5500;
const CACHE_BYTES = 50 * MIB;

const rateOf = (bytes: number): number => (bytes <= CACHE_BYTES ? CACHE : MEMORY);
const secondsOf = (bytes: number): number => LAUNCH + bytes / rateOf(bytes) / 1e9;
const SIZES = Array.from({ length: 9 }, (_, i) => 2 ** (i + 1) * MIB); // 2 to 512 MiB
const TIMED = [
  ...SIZES.map((bytes) => ({ bytes, seconds: secondsOf(bytes) })),
  { bytes: 512 * MIB, seconds: (512 * MIB) / QUEUE / 1e9 },
];
const RATES = memoryRates(TIMED, LAUNCH);
const ROOF: Roofline = {
  gigaflopsPerSecond: 62_000,
  gigabytesPerSecond: RATES.at(-1)!.gigabytesPerSecond,
  rates: RATES,
};

describe("rates by size", () => {
  test("the launch is taken off, the best of several ways counts, and caches have rates of their own", () => {
    expect(RATES.at(-1)!.gigabytesPerSecond).toBeCloseTo(MEMORY, 6);
    for (const { bytes, gigabytesPerSecond } of RATES)
      expect(gigabytesPerSecond).toBeCloseTo(rateOf(bytes), 6);
  });

  test("work that is mostly launch tells nothing", () => {
    expect(RATES.map(({ bytes }) => bytes / MIB)).toEqual([16, 32, 64, 128, 256, 512]); // 8 MiB: 1.5 of 3.7 µs
    expect(memoryRates([{ bytes: 1e9, seconds: 1 }], 0.9)).toEqual([{ bytes: 1e9, gigabytesPerSecond: 1 }]);
  });

  test("smaller work is never slower than larger, and the order of the timings does not matter", () => {
    const noisy = [
      { bytes: 1e9, seconds: 0.5 },
      { bytes: 2e9, seconds: 0.5 },
      { bytes: 2e9, seconds: 1 },
    ];
    const wanted = [1e9, 2e9].map((bytes) => ({ bytes, gigabytesPerSecond: 4 }));
    expect(memoryRates(noisy, 0)).toEqual(wanted);
    expect(memoryRates(noisy.toReversed(), 0)).toEqual(wanted);
  });
});

describe("the roof", () => {
  test("bytes move at the rate of the largest measured work that is not larger", () => {
    const at = (bytes: number): number => bytes / boundMs({ bytes }, ROOF) / 1e6;
    expect(at(3 * MIB)).toBeCloseTo(CACHE, 6);
    expect(at(40 * MIB)).toBeCloseTo(CACHE, 6);
    expect(at(64 * MIB)).toBeCloseTo(MEMORY, 6);
    expect(at(4096 * MIB)).toBeCloseTo(MEMORY, 6);
  });

  const dispatch = (kernel: string, bytes: number, us: number, flops?: number): TimedDispatch => ({
    kernel,
    workgroups: [1, 1, 1],
    startNs: 0,
    durationNs: us * 1000,
    bytes,
    ...(flops === undefined ? {} : { flops }),
  });

  test("no kernel is above it: what an H100 did, which was 359 % of the queue's copy", () => {
    const adamw = 28 * 21_650_000; // seven tensors of ViT-S
    const norm = 8 * 12_608 * 384; // layer norm, from the cache at 3,977 GB/s
    const products = 2 * 12_608 * 3072 * 768;
    const shares = byKernel(
      [
        dispatch("adamw", adamw, adamw / 2920 / 1e3),
        dispatch("layerNorm", norm, norm / 3977 / 1e3),
        dispatch("matmul", 4 * (12_608 * 3840 + 3072 * 768), products / 46.2e6, products),
      ],
      ROOF,
    ).map(({ kernel, rooflineShare }) => [kernel, Math.round(100 * rooflineShare)]);
    expect(Object.fromEntries(shares)).toEqual({ adamw: 98, layerNorm: 72, matmul: 75 });
  });

  test("any work at the adapter's own speed is at 105 % at most", () => {
    for (let bytes = 1000; bytes < 8e9; bytes *= 1.37) {
      const [row] = byKernel([dispatch("copy", bytes, secondsOf(bytes) * 1e6)], ROOF);
      expect(row!.rooflineShare, `${bytes} bytes`).toBeLessThanOrEqual(1.05);
    }
  });
});

describe("on this adapter", () => {
  const on = withDevice();
  /** A millisecond a look: whatever is measured seems to take as long as the clock is asked for. */
  const ticking = () => {
    let ms = 0;
    return () => ms++;
  };

  test("the least of several samples is taken, of all that was recorded", async () => {
    // Every sample lasts one tick: 8 runs of a step that holds the work 8 times, so 1 / 64 ms each.
    let recorded = 0;
    const seconds = await leastSeconds(on.device, ticking(), () => {
      recorded++;
    });
    expect(recorded).toBe(1 + 8);
    expect(seconds).toBeCloseTo(1 / 64 / 1000, 12);
  });

  test("the roof is the best of all that was measured, beyond caches and within", async () => {
    const now = () => performance.now();
    const held = on.device.counters.bytesHeld;
    const { gigaflopsPerSecond, gigabytesPerSecond, rates = [] } = await measureRoofline(on.device, now);
    expect(gigaflopsPerSecond).toBeGreaterThan(0);
    expect(rates.at(-1)).toMatchObject({ gigabytesPerSecond });
    expect(rates.at(-1)!.bytes).toBeGreaterThanOrEqual(64 * MIB);
    expect(on.device.counters.bytesHeld - held).toBeLessThan(32 * MIB); // the large ones are gone
    const inOrder = rates.toSorted(
      (a, b) => a.bytes - b.bytes || b.gigabytesPerSecond - a.gigabytesPerSecond,
    );
    expect(rates).toEqual(inOrder);
  });
});
