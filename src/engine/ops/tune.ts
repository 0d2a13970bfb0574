/** Measures which kernels are fastest on an adapter, for the shapes that it has been asked for. */
import type { Device } from "../gpu/device.ts";
import { classOf, type Tunable } from "../gpu/tuning.ts";
import type { Tensor } from "../graph/tensor.ts";
import { isSoftwareAdapter } from "./gemmChoice.ts";
import { attentionSubject } from "./tuneAttention.ts";
import { gemmSubject } from "./tuneGemm.ts";
import type { Subject, SubjectMethod } from "./tuningSubject.ts";

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
  shape: Tunable["shape"];
  /** The fastest method. */
  best: string;
  /** The method that ships for it. */
  shipped: string;
  /** Median milliseconds of every method that was timed, the fastest first. */
  times: { method: string; ms: number }[];
  /**
   * Methods not timed: even at the best rate seen so far on this adapter their padded work would take longer, or they are
   * made for GPUs, and a software adapter compiles them for seconds and runs them slowly.
   */
  skipped: string[];
}

/** Calls that one timed run repeats at most, and the milliseconds it should last. */
const MOST_REPEATS = 100;
const ENOUGH_MS = 4;
/** What a browser's clock may tell apart. */
const TICK_MS = 0.1;

/**
 * Measures every method on one shape of each class the device has been asked for, and makes the fastest its choice. Products
 * come first, the largest of them before others: the rates they reach bound what a smaller one can. Methods are interleaved;
 * one whose result differs in a bit from the portable one is an error, not a choice.
 */
export async function tuneKernels(device: Device, options: TuneOptions): Promise<Tuned[]> {
  const chosen = new Map(device.tuning.choices);
  const tuned: Tuned[] = [];
  let bestRate = 0; // multiply-adds per millisecond, padding included
  for (const tunable of inOrder(device.tuning.asked.values())) {
    const found = await tuneOne(device, tunable, bestRate, options);
    bestRate = Math.max(bestRate, found.rate);
    chosen.set(found.tuned.name, found.tuned.best);
    device.tuning.choices = new Map(chosen);
    tuned.push(found.tuned);
    options.onTuned?.(found.tuned);
  }
  return tuned;
}

function inOrder(asked: Iterable<Tunable>): Tunable[] {
  const work = (one: Tunable): number => {
    if (one.op !== "matmul") return 0;
    const { m, n, k, batch } = one.shape;
    return m * n * k * batch;
  };
  return [...asked].sort((p, q) => work(q) - work(p));
}

const subjectOf = (device: Device, tunable: Tunable): Subject =>
  tunable.op === "matmul"
    ? gemmSubject(device, tunable.shape)
    : attentionSubject(device, tunable.op, tunable.shape);

async function tuneOne(
  device: Device,
  tunable: Tunable,
  bestRate: number,
  { now, rounds = 5 }: TuneOptions,
): Promise<{ tuned: Tuned; rate: number }> {
  const name = classOf(tunable);
  const subject = subjectOf(device, tunable);
  const before = device.tuning.choices;
  const run = async (method: SubjectMethod, repeats: number): Promise<number> => {
    device.tuning.choices = new Map([[name, method.name]]);
    for (let i = 0; i < repeats; i++) subject.run();
    device.eager.flush(); // encoding takes longer than a small kernel: the clock starts once all are submitted, in one pass
    const start = now();
    await device.finish();
    return (now() - start) / repeats;
  };
  try {
    const skipped: string[] = [];
    const timed: { method: SubjectMethod; repeats: number; samples: number[] }[] = [];
    let reference: Uint32Array[] | undefined;
    let fastest = Number.POSITIVE_INFINITY;
    for (const method of subject.methods) {
      const { paddedWork = 0 } = method;
      const isTooMuch = bestRate > 0 && paddedWork / bestRate > fastest;
      if (isTooMuch || (method.isForGpus && isSoftwareAdapter(device))) {
        skipped.push(method.name);
        continue;
      }
      for (const output of subject.outputs) device.clear(output); // what a kernel leaves out shows
      await run(method, 1); // compiles
      const found = await Promise.all(subject.outputs.map(bitsOf));
      reference ??= found;
      if (found.some((bits, i) => bits.some((bit, j) => bit !== reference![i]![j]))) {
        throw new Error(
          `tune: every method must give the bits of ${subject.methods[0]!.name}; got others from ${method.name} for ${name}. Please report this adapter`,
        );
      }
      const once = Math.max(TICK_MS, await run(method, 1));
      fastest = Math.min(fastest, once);
      const repeats = Math.max(1, Math.min(MOST_REPEATS, Math.round(ENOUGH_MS / once)));
      timed.push({ method, repeats, samples: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { method, repeats, samples } of timed) samples.push(await run(method, repeats));
    }
    const times = timed
      .map(({ method, samples }) => ({ method, ms: median(samples) }))
      .sort((p, q) => p.ms - q.ms);
    return {
      rate: Math.max(...times.map(({ method: { paddedWork = 0 }, ms }) => paddedWork / ms)),
      tuned: {
        name,
        shape: tunable.shape,
        best: times[0]!.method.name,
        shipped: subject.shipped,
        times: times.map(({ method, ms }) => ({ method: method.name, ms })),
        skipped,
      },
    };
  } finally {
    device.tuning.choices = before;
    subject.dispose();
  }
}

const bitsOf = async (tensor: Tensor): Promise<Uint32Array> => new Uint32Array((await tensor.read()).buffer);

const median = (values: readonly number[]): number => [...values].sort((p, q) => p - q)[values.length >> 1]!;
