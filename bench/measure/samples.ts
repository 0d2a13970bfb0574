// Repeated measurements: taken in turns, summed up by robust numbers.

/** What is kept of a row of times: all of the unit of the samples. */
export interface Summary {
  median: number;
  min: number;
  /** Lower and upper quartile. */
  q1: number;
  q3: number;
  samples: number;
}

/** The value below which a share `p` in [0, 1] of sorted values lies, with linear interpolation between two. */
function quantile(sorted: readonly number[], p: number): number {
  const at = p * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below);
}

/** Median, minimum and quartiles of at least one sample. */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new Error("summarize: needs at least one sample; got none");
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    min: sorted[0]!,
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
    samples: sorted.length,
  };
}

/** One thing to be timed: `run` resolves when all of its work has ended, so that no two subjects overlap. */
export interface Subject {
  name: string;
  run(): Promise<void>;
}

/** How often each subject runs. */
export interface Rounds {
  /** Runs before the first that counts. */
  warmup: number;
  repeats: number;
}

/**
 * Milliseconds of each run by subject name. Subjects take turns, and every round begins with another one, so that a
 * machine that gets slower or busier meets all of them alike.
 */
export async function interleave(
  subjects: readonly Subject[],
  { warmup, repeats }: Rounds,
  now: () => number = () => performance.now(),
): Promise<Map<string, number[]>> {
  const times = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  if (times.size !== subjects.length) throw new Error("interleave: every subject needs a name of its own");
  for (let round = 0; round < warmup + repeats; round++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      const { name, run } = subjects[(round + turn) % subjects.length]!;
      const start = now();
      await run();
      if (round >= warmup) times.get(name)!.push(now() - start);
    }
  }
  return times;
}

/** The same, summed up per call: a subject's `run` makes `calls` of them. */
export async function timeInTurns(
  subjects: readonly (Subject & { calls: number })[],
  rounds: Rounds,
): Promise<Map<string, Summary>> {
  const times = await interleave(subjects, rounds);
  return new Map(
    subjects.map(({ name, calls }) => [name, summarize(times.get(name)!.map((time) => time / calls))]),
  );
}

/** How many calls make a sample of about `sampleMs`, from 1 to `most`; `run` makes one and waits for it. */
export async function callsFor(sampleMs: number, most: number, run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return Math.max(1, Math.min(most, Math.round(sampleMs / (performance.now() - start))));
}
