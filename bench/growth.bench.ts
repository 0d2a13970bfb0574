// How a training step's time grows with batch, width, depth and tokens: a small reference step, one axis at a time.
//   npm run bench -- growth [--axis batch] [--axis width] ... [--json] [--save]
// --save writes the figures as JSON and four log-log plots as an SVG.
import { parseArgs } from "node:util";
import { type Growth, growthChart } from "./charts/growth.ts";
import { openDevice } from "./measure/dawn.ts";
import { commandLine, OPTIONS, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { circumstances, saveDrawing, saveResults } from "./measure/results.ts";
import { callsFor, timeInTurns } from "./measure/samples.ts";
import { powerLaw } from "./measure/slope.ts";
import { ms, table } from "./measure/table.ts";
import { type ReferenceStep, referenceStep } from "./referenceStep.ts";
import { type StepConfig, stepFlops, stepProblem, tokensOf } from "./stepProblem.ts";

/** Heads of 32; 65 tokens. */
const MIDDLE: StepConfig = { batch: 8, width: 128, depth: 2, heads: 4, image: 32, patch: 4, classes: 10 };

const AXES: Record<string, readonly StepConfig[]> = {
  batch: [2, 4, 8, 16, 32].map((batch) => ({ ...MIDDLE, batch })),
  width: [64, 128, 192, 256, 384].map((width) => ({ ...MIDDLE, width, heads: width / 32 })),
  depth: [1, 2, 4, 8].map((depth) => ({ ...MIDDLE, depth })),
  tokens: [16, 24, 32, 48, 64].map((image) => ({ ...MIDDLE, image })),
};

const valueOn = (axis: string, config: StepConfig): number =>
  axis === "tokens" ? tokensOf(config) : config[axis as keyof StepConfig];

/** A sample runs as many steps as take about this long, at least one. */
const SAMPLE_MS = 100;
const MOST_CALLS = 20;

const keyOf = (config: StepConfig): string => JSON.stringify(config);

await program("growth", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({ options: { ...OPTIONS, axis: { type: "string", multiple: true } } }),
  );
  const rounds = {
    warmup: wholeNumber("warmup", given.warmup, 1, 0),
    repeats: wholeNumber("repeats", given.repeats, 7),
  };
  const axes = given.axis ?? Object.keys(AXES);
  const unknown = axes.find((axis) => !(axis in AXES));
  if (unknown !== undefined) {
    throw new UsageError(`--axis must be of ${Object.keys(AXES).join(", ")}; got ${unknown}`);
  }
  const device = await openDevice();
  const where = circumstances(device.info);
  print(`${where.adapter}; Node ${where.node}, commit ${where.commit}\n`);

  const configs = new Map(axes.flatMap((axis) => AXES[axis]!).map((config) => [keyOf(config), config]));
  const subjects = [];
  const steps: ReferenceStep[] = [];
  for (const [name, config] of configs) {
    say(`capturing ${name}`);
    const step = await referenceStep(device, stepProblem(config));
    steps.push(step);
    const run = async (count: number) => {
      for (let i = 0; i < count; i++) step.submit();
      await device.finish();
    };
    await run(1);
    const calls = await callsFor(SAMPLE_MS, MOST_CALLS, () => run(1));
    subjects.push({ name, calls, run: () => run(calls) });
  }
  say("timing");
  const times = await timeInTurns(subjects, rounds);
  for (const [i, step] of steps.entries()) {
    const loss = await step.loss();
    if (!Number.isFinite(loss)) {
      throw new Error(`growth: the loss of ${subjects[i]!.name} must be finite; got ${loss}`);
    }
    await step.close();
  }

  const growths = axes.map((name): Growth => {
    const points = AXES[name]!.map((config) => ({
      value: valueOn(name, config),
      ms: times.get(keyOf(config))!,
      flops: stepFlops(config),
    }));
    const exponentOf = (of: (point: (typeof points)[number]) => number) =>
      powerLaw(points.map((point) => ({ x: point.value, y: of(point) }))).exponent;
    return {
      name,
      points,
      exponent: exponentOf((point) => point.ms.median),
      flopsExponent: exponentOf(({ flops }) => flops),
    };
  });
  for (const { name, points, exponent, flopsExponent } of growths) {
    const rows = points.map(({ value, ms: time, flops }) => [
      String(value),
      ms(time.median),
      `${ms(time.q1)}..${ms(time.q3)}`,
      (flops / time.median / 1e6).toFixed(2),
    ]);
    print(table([name, "ms", "quartiles", "GFLOP/s"], rows));
    print(
      `ms grow as ${name}^${exponent.toFixed(2)}, the arithmetic as ${name}^${flopsExponent.toFixed(2)}\n`,
    );
  }
  if (given.save) {
    say(`saved ${saveResults("growth", where, { middle: MIDDLE, growths }, given.name)}`);
    const { batch, width, depth } = MIDDLE;
    const title = `A training step around batch ${batch}, width ${width}, depth ${depth}, ${tokensOf(MIDDLE)} tokens`;
    say(`saved ${saveDrawing("growth", where, growthChart(title, where.adapter, growths), given.name)}`);
  }
  if (given.json) print(JSON.stringify({ growths }));
});
