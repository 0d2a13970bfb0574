// The reference step in several libraries: the same results first, then their times.
import { alone } from "../measure/alone.ts";
import { gpuCalls } from "../measure/dawn.ts";
import { relativeErrors } from "../measure/errors.ts";
import { type CallCounts, callsDuring } from "../measure/gpuCalls.ts";
import { say } from "../measure/program.ts";
import { interleave, type Rounds, type Summary, summarize } from "../measure/samples.ts";
import { type Expected, step64 } from "../reference64/step64.ts";
import { countParameters, parseStepConfig, type StepConfig, stepFlops, stepProblem } from "../stepProblem.ts";
import { type Library, openLibrary } from "./libraries.ts";
import type { OpenLibrary, StepRunner } from "./stepRunner.ts";

/** Largest relative error of the gradients against float64: f32's own is below 2e-6 (PyTorch's is 1e-6 or so). */
const GRADIENT_TOLERANCE = { partwise: 2e-6, "jax-js": 1e-4, tfjs: 1e-4 } as const;
const LOSS_TOLERANCE = 1e-5;

/** What a library does in a process of its own with a cold driver cache. */
export interface Alone {
  /** Opening the device. */
  openMs: number;
  /** From weights on the host to the first loss on the host: tracing, compiling and one step. */
  firstCallMs: number;
  /** GPU buffers at their most, over the first steps. */
  peakBytes: number;
  /** WebGPU calls of one step in steady state. */
  perStep: CallCounts;
}

/** How right a library is. */
export interface Accuracy {
  /** Loss before the first and before the second update. */
  losses: [number, number];
  /** Relative L2 error of all gradients of the first step against float64. */
  gradientError: number;
  worstGradient: { name: string; error: number };
}

export type ByLibrary<T> = Partial<Record<Library, T>>;

/** Everything about one configuration; `ratio` is a library's time over Partwise's. */
export interface StepComparison {
  config: StepConfig;
  parameters: number;
  gigaflop: number;
  expectedLosses: [number, number];
  accuracy: ByLibrary<Accuracy>;
  medianMs: ByLibrary<number>;
  spreadMs: ByLibrary<Summary>;
  ratio: ByLibrary<number>;
  /** Quartiles of the ratio of the two times of one round. */
  ratioSpread: ByLibrary<{ q1: number; q3: number }>;
  alone: ByLibrary<Alone>;
}

/** The child's side of `Alone`. */
export async function measureAlone(library: Library, configText: string): Promise<Alone> {
  const problem = stepProblem(parseStepConfig(configText));
  const calls = gpuCalls();
  const start = performance.now();
  const opened = await openLibrary(library);
  const openMs = performance.now() - start;
  const first = performance.now();
  const runner = await opened.start(problem);
  await runner.step();
  const firstCallMs = performance.now() - first;
  await runner.step();
  await runner.step();
  const perStep = await callsDuring(calls, () => runner.step());
  return { openMs, firstCallMs, peakBytes: calls.bytesPeak, perStep };
}

/** Runs the first two steps and holds them against float64. Throws if they are wrong. */
async function checkSteps(
  library: Library,
  configText: string,
  runner: StepRunner,
  expected: Expected,
): Promise<Accuracy> {
  const first = await runner.step();
  const { total, worst } = relativeErrors(await runner.gradients(), expected.gradients);
  const losses: [number, number] = [first, await runner.step()];
  const where = `peers: ${library} on ${configText}`;
  if (!(total <= GRADIENT_TOLERANCE[library])) {
    throw new Error(
      `${where}: gradients must be within ${GRADIENT_TOLERANCE[library]} of float64; got ${total}, worst ${worst.name} ${worst.error}`,
    );
  }
  for (const [i, loss] of losses.entries()) {
    const off = Math.abs(loss / expected.losses[i]! - 1);
    if (!(off <= LOSS_TOLERANCE)) {
      throw new Error(`${where}: loss ${i + 1} must be ${expected.losses[i]}; got ${loss}`);
    }
  }
  return { losses, gradientError: total, worstGradient: worst };
}

/** Devices that stay open from one configuration to the next. */
export type OpenLibraries = Map<Library, OpenLibrary>;

/** Compares the libraries on one configuration; `firstCalls` also measures each alone. */
export async function compareSteps(
  configText: string,
  libraries: readonly Library[],
  opened: OpenLibraries,
  rounds: Rounds,
  firstCalls: boolean,
): Promise<StepComparison> {
  const config = parseStepConfig(configText);
  const problem = stepProblem(config);
  const byLibrary = <T>(entries: Iterable<readonly [Library, T]>) =>
    Object.fromEntries(entries) as ByLibrary<T>;

  const aloneEntries: [Library, Alone][] = [];
  for (const library of firstCalls ? libraries : []) {
    say(`${configText}: ${library} alone, with a cold driver cache`);
    aloneEntries.push([library, await alone<Alone>(["--alone", library, "--config", configText])]);
  }
  say(`${configText}: the step in float64`);
  const expected = step64(problem);
  const runners = new Map<Library, StepRunner>();
  const accuracy: [Library, Accuracy][] = [];
  for (const library of libraries) {
    say(`${configText}: checking ${library}`);
    if (!opened.has(library)) opened.set(library, await openLibrary(library));
    const runner = await opened.get(library)!.start(problem);
    runners.set(library, runner);
    accuracy.push([library, await checkSteps(library, configText, runner, expected)]);
  }
  say(`${configText}: timing`);
  const times = await interleave(
    [...runners].map(([name, runner]) => ({ name, run: async () => void (await runner.step()) })),
    rounds,
  );
  for (const runner of runners.values()) await runner.close();

  const spread = libraries.map((library) => [library, summarize(times.get(library)!)] as const);
  const medians = spread.map(([library, { median }]) => [library, median] as const);
  const own = times.get("partwise");
  const ratios = libraries.flatMap((library) => {
    if (!own || library === "partwise") return [];
    const byRound = times.get(library)!.map((time, round) => time / own[round]!);
    return [[library, summarize(byRound)] as const];
  });
  const medianMs = byLibrary(medians);
  return {
    config,
    parameters: countParameters(problem),
    gigaflop: stepFlops(config) / 1e9,
    expectedLosses: expected.losses,
    accuracy: byLibrary(accuracy),
    medianMs,
    spreadMs: byLibrary(spread),
    ratio: byLibrary(ratios.map(([library]) => [library, medianMs[library]! / medianMs.partwise!] as const)),
    ratioSpread: byLibrary(ratios.map(([library, { q1, q3 }]) => [library, { q1, q3 }] as const)),
    alone: byLibrary(aloneEntries),
  };
}
