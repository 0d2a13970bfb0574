// Training steps: pictures per second, what a step asks of the GPU and the CPU, memory, and the first call.
//   npm run bench -- step [--step reference:base] [--step mae:vit_tiny_patch16_224] ... [--batch 64] [--json] [--save]
import { parseArgs } from "node:util";
import { isSoftware } from "../src/cli/system/dawn.ts";
import type { Device } from "../src/engine/gpu/device.ts";
import { alone } from "./measure/alone.ts";
import { gpuCalls, openDevice } from "./measure/dawn.ts";
import { callsDuring } from "./measure/gpuCalls.ts";
import { commandLine, OPTIONS, print, program, say, wholeNumber } from "./measure/program.ts";
import { circumstances, saveResults } from "./measure/results.ts";
import { callsFor, summarize, timeInTurns } from "./measure/samples.ts";
import { megabytes, ms, table } from "./measure/table.ts";
import type { StepAlone, StepFigures } from "./stepFigures.ts";
import { fullStepName, startTraining, type TrainingStep } from "./trainingSteps.ts";

const DEFAULT_STEPS = [
  "reference:base",
  "reference:tiny",
  "mae:vit_micro_patch4_32:128",
  "mae:vit_mini_patch4_32:64",
];

/** The child's side of `StepAlone`. */
async function measureAlone(text: string): Promise<StepAlone> {
  const calls = gpuCalls();
  const start = performance.now();
  const device = await openDevice();
  const openMs = performance.now() - start;
  const first = performance.now();
  const step = await startTraining(device, text);
  step.submit();
  const loss = await step.loss();
  const firstCallMs = performance.now() - first;
  await runSteps(device, step, 2);
  const perStep = await callsDuring(calls, () => runSteps(device, step, 1));
  const { encodeMs, submitMs } = await hostTime(device, step);
  const { compiled, parameters, batch } = step;
  return {
    openMs,
    firstCallMs,
    peakBytes: calls.bytesPeak,
    perStep,
    encodeMs,
    submitMs,
    dispatches: compiled.dispatches,
    parameters,
    batch,
    planBytes: compiled.memory.bytes,
    planLowerBound: compiled.memory.lowerBound,
    loss,
  };
}

async function runSteps(device: Device, step: TrainingStep, count: number): Promise<void> {
  for (let i = 0; i < count; i++) step.submit();
  await device.finish();
}

/** Median host time of one step, the GPU idle before each. */
async function hostTime(device: Device, step: TrainingStep): Promise<{ encodeMs: number; submitMs: number }> {
  const calls = gpuCalls();
  const [encode, submit]: [number[], number[]] = [[], []];
  for (let i = 0; i < 5; i++) {
    const before = calls.submitMs;
    const start = performance.now();
    step.submit();
    const took = performance.now() - start;
    submit.push(calls.submitMs - before);
    encode.push(took - (calls.submitMs - before));
    await device.finish();
  }
  return { encodeMs: summarize(encode).median, submitMs: summarize(submit).median };
}

/** A sample runs as many steps as take about this long, at least one. */
const SAMPLE_MS = 200;

function printFigures(figures: Record<string, StepFigures>): void {
  const rows = Object.entries(figures).map(([name, { ms: time, imagesPerSecond, alone }]) => [
    name,
    ms(time.median),
    `${ms(time.q1)}..${ms(time.q3)}`,
    imagesPerSecond.toFixed(1),
    ms(alone.encodeMs),
    ms(alone.submitMs),
    String(alone.dispatches),
    String(alone.perStep.submits),
    String(alone.perStep.buffers + alone.perStep.bindGroups + alone.perStep.pipelines),
  ]);
  const header = [
    "",
    "ms",
    "quartiles",
    "images/s",
    "encode ms",
    "submit ms",
    "dispatches",
    "submits",
    "created",
  ];
  print(`\n${table(header, rows)}`);
  const memory = Object.entries(figures).map(([name, { alone }]) => [
    name,
    alone.parameters.toLocaleString("en"),
    megabytes(alone.planBytes),
    megabytes(alone.planLowerBound),
    megabytes(alone.peakBytes),
    (alone.firstCallMs / 1000).toFixed(2),
    (alone.openMs / 1000).toFixed(2),
  ]);
  const columns = ["", "parameters", "step's memory", "least possible", "GPU peak", "first call s", "open s"];
  print(`\nalone in a process, driver cache cold\n${table(columns, memory)}`);
}

await program("step", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
        step: { type: "string", multiple: true },
        batch: { type: "string" },
        alone: { type: "string" },
      },
    }),
  );
  if (given.alone !== undefined) {
    print(JSON.stringify(await measureAlone(given.alone)));
    return;
  }
  const rounds = {
    warmup: wholeNumber("warmup", given.warmup, 1, 0),
    repeats: wholeNumber("repeats", given.repeats, 7),
  };
  const device = await openDevice();
  const batch = wholeNumber("batch", given.batch, isSoftware(device.info) ? 2 : 64);
  const names = (given.step ?? DEFAULT_STEPS).map((text) => fullStepName(text, batch));
  const where = circumstances(device.info);
  print(`${where.adapter}; Node ${where.node}, commit ${where.commit}`);
  const subjects = [];
  for (const name of names) {
    say(`${name}: capturing`);
    const step = await startTraining(device, name);
    await runSteps(device, step, 1);
    await step.loss();
    const calls = await callsFor(SAMPLE_MS, 50, () => runSteps(device, step, 1));
    subjects.push({ name, step, calls, run: () => runSteps(device, step, calls) });
  }
  say("timing");
  const times = await timeInTurns(subjects, rounds);
  for (const { step } of subjects) await step.loss();
  await device.finish();
  const figures: Record<string, StepFigures> = {};
  for (const { name, step } of subjects) {
    say(`${name}: alone, with a cold driver cache`);
    const time = times.get(name)!;
    figures[name] = {
      ms: time,
      imagesPerSecond: (1000 * step.batch) / time.median,
      alone: await alone<StepAlone>(["--alone", name]),
    };
  }
  printFigures(figures);
  if (given.save) say(`saved ${saveResults("step", where, figures, given.name)}`);
  if (given.json) print(JSON.stringify(figures));
});
