import type { Device } from "../gpu/device.ts";
import type { GemmShape } from "../gpu/tuning.ts";
import { Tensor } from "../graph/tensor.ts";
import { gemm } from "./gemm.ts";
import { isSoftwareAdapter, shippedMethod } from "./gemmChoice.ts";
import { type GemmMethod, gemmMethods } from "./gemmMethods.ts";

export interface TuneOptions {
  /** A clock in milliseconds; the core has none of its own. */
  now: () => number;
  /** Timed rounds per shape; the methods take turns in each (default 5). */
  rounds?: number;
  /** Called after each class of shapes. */
  onTuned?(tuned: Tuned): void;
}

/** What was found for one class of shapes. */
export interface Tuned {
  name: string;
  shape: GemmShape;
  /** The fastest method. */
  best: string;
  /** The method that ships for it. */
  shipped: string;
  /** Median milliseconds of every method that was timed, the fastest first. */
  times: { method: string; ms: number }[];
  /**
   * Methods not timed: even at the best rate seen so far on this adapter their padded work would take longer, or they are
   * tiles, which a software adapter compiles for seconds and runs slowly.
   */
  skipped: string[];
}

/** Products that one timed run repeats at most, and the milliseconds it should last. */
const MOST_REPEATS = 100;
const ENOUGH_MS = 4;
/** What a browser's clock may tell apart. */
const TICK_MS = 0.1;

/**
 * Measures every method on one shape of each class the device has been asked for, and makes the fastest its choice.
 * The largest shapes come first: the rates they reach bound what a smaller one can. Methods are interleaved; one whose
 * result differs in a bit from the portable one is an error, not a choice.
 */
export async function tuneGemm(device: Device, options: TuneOptions): Promise<Tuned[]> {
  const chosen = new Map(device.tuning.choices);
  const tuned: Tuned[] = [];
  let bestRate = 0; // multiply-adds per millisecond, padding included
  const largestFirst = [...device.tuning.asked].sort(([, p], [, q]) => work(q) - work(p));
  for (const [name, shape] of largestFirst) {
    const found = await tuneShape(device, name, shape, bestRate, options);
    bestRate = Math.max(bestRate, found.rate);
    chosen.set(name, found.tuned.best);
    device.tuning.choices = new Map(chosen);
    tuned.push(found.tuned);
    options.onTuned?.(found.tuned);
  }
  return tuned;
}

const work = ({ m, n, k, batch }: GemmShape): number => m * n * k * batch;

/** Multiply-adds a method does for a shape: whole tiles, also where they stick out. */
function paddedWork({ tile }: GemmMethod, { m, n, k, batch }: GemmShape): number {
  return Math.ceil(m / tile.rows) * tile.rows * Math.ceil(n / tile.columns) * tile.columns * k * batch;
}

async function tuneShape(
  device: Device,
  name: string,
  shape: GemmShape,
  bestRate: number,
  { now, rounds = 5 }: TuneOptions,
): Promise<{ tuned: Tuned; rate: number }> {
  const { m, n, k, batch } = shape;
  const a = noise(device, [batch, shape.transposeA ? k : m, shape.transposeA ? m : k]);
  const b = noise(device, [batch, shape.transposeB ? n : k, shape.transposeB ? k : n]);
  const y = Tensor.empty(device, [batch, m, n]);
  const before = device.tuning.choices;
  const run = async (method: GemmMethod, repeats: number): Promise<number> => {
    device.tuning.choices = new Map([[name, method.name]]);
    for (let i = 0; i < repeats; i++) gemm({ a, b, y, ...shape });
    device.eager.flush(); // encoding takes longer than a small kernel: the clock starts once all are submitted, in one pass
    const start = now();
    await device.finish();
    return (now() - start) / repeats;
  };
  try {
    const skipped: string[] = [];
    const timed: { method: GemmMethod; repeats: number; samples: number[] }[] = [];
    let reference: Uint32Array | undefined;
    let fastest = Number.POSITIVE_INFINITY;
    const methods = gemmMethods(device.capabilities).filter((method) => fits(device, method));
    for (const method of methods) {
      const hopeless = method.entry === "matmul_tile" && isSoftwareAdapter(device);
      if (hopeless || (bestRate > 0 && paddedWork(method, shape) / bestRate > fastest)) {
        skipped.push(method.name);
        continue;
      }
      await run(method, 1); // compiles
      const bits = new Uint32Array((await y.read()).buffer);
      reference ??= bits;
      if (bits.some((bit, i) => bit !== reference![i])) {
        throw new Error(
          `tune: every method must give the bits of ${methods[0]!.name}; got others from ${method.name} for ${name}. Please report this adapter`,
        );
      }
      const once = Math.max(TICK_MS, await run(method, 1));
      fastest = Math.min(fastest, once);
      timed.push({
        method,
        repeats: Math.max(1, Math.min(MOST_REPEATS, Math.round(ENOUGH_MS / once))),
        samples: [],
      });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { method, repeats, samples } of timed) samples.push(await run(method, repeats));
    }
    const times = timed
      .map(({ method, samples }) => ({ method, ms: median(samples) }))
      .sort((p, q) => p.ms - q.ms);
    const rate = Math.max(...times.map(({ method, ms }) => paddedWork(method, shape) / ms));
    return {
      rate,
      tuned: {
        name,
        shape,
        best: times[0]!.method.name,
        shipped: shippedMethod(device, shape),
        times: times.map(({ method, ms }) => ({ method: method.name, ms })),
        skipped,
      },
    };
  } finally {
    device.tuning.choices = before;
    for (const tensor of [a, b, y]) tensor.dispose();
  }
}

/** Whether a method's workgroup memory is there. */
const fits = ({ limits }: Device, { workgroupBytes = 0 }: GemmMethod): boolean =>
  workgroupBytes <= limits.maxComputeWorkgroupStorageSize;

/** Values between -1 and 1 that no compiler can know; only their spread matters here. */
function noise(device: Device, shape: number[]): Tensor {
  let state = 1;
  const values = Float32Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return Tensor.from(device, values, shape);
}

const median = (values: readonly number[]): number => [...values].sort((p, q) => p - q)[values.length >> 1]!;
