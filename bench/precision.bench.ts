// Does a run in f16 learn as one in f32, and how much faster is it on this adapter?
//   npm run bench -- precision [--steps 300] [--model vit_micro_patch4_32] [--batch 64] [--repeats 7] [--warmup 1] [--json]
// The same MAE steps in both precisions, the built-in pictures: the largest relative difference of losses, steps that were
// skipped, k-NN of the encoders; then a step of each, timed in turns, as pictures a second. First what the adapter makes of f16.
import { parseArgs } from "node:util";
import { f16Text } from "../src/cli/options/precision.ts";
import { encoderKnn } from "../src/cli/runs/onlineKnn.ts";
import { openDevice } from "../src/cli/system/dawn.ts";
import { creatures } from "../src/data/creatures/creatures.ts";
import type { Precision } from "../src/engine/gpu/device.ts";
import { vitConfig } from "../src/models/vit.ts";
import { DeviceImages } from "../src/train/deviceImages.ts";
import { type ProgressRow, train } from "../src/train/loop.ts";
import { descriptionOf, runSettings } from "../src/train/run.ts";
import { Trainer } from "../src/train/trainer.ts";
import { commandLine, OPTIONS, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { callsFor, type Rounds, type Summary, timeInTurns } from "./measure/samples.ts";
import { ms, table } from "./measure/table.ts";
import type { CourseFigures, PrecisionFigures } from "./precisionFigures.ts";
import { startTraining } from "./trainingSteps.ts";

/** Pictures to learn from, fewer where they are large, and to be voted on. */
const seenOf = (side: number): number => (side <= 96 ? 4096 : 512);
const UNSEEN = 500;

interface Asked {
  model: string;
  batchSize: number;
  totalSteps: number;
}

interface Course extends Omit<CourseFigures, "ms" | "imagesPerSecond"> {
  losses: readonly number[];
}

/** A run of the first steps, and how well its encoder's neighbours vote. */
async function course(precision: Precision, { model, ...asked }: Asked): Promise<Course> {
  const device = await openDevice({ precision });
  const size = vitConfig(model).imageSize;
  const seen = creatures({ kind: "creatures-coat", count: seenOf(size), seed: 1, size });
  const unseen = creatures({ kind: "creatures-coat", count: UNSEEN, seed: 2, size });
  const data = descriptionOf(seen);
  const settings = runSettings({ method: "mae", model, data, seed: 1, precision, ...asked });
  const trainer = new Trainer(device, settings, await DeviceImages.upload(device, seen));
  const rows: ProgressRow[] = [];
  await train(trainer, { now: () => performance.now(), onProgress: (row) => void rows.push(row) });
  const { accuracy } = await encoderKnn(trainer, { train: seen, test: unseen });
  const how = precision === "f16" ? f16Text(device) : "f32";
  device.destroy();
  const losses = rows.map(({ loss }) => loss);
  return {
    how,
    losses,
    firstLoss: losses[0]!,
    lastLoss: losses.at(-1)!,
    skipped: rows.filter(({ metrics }) => metrics.skipped).length,
    knn: accuracy,
  };
}

const PRECISIONS = ["f32", "f16"] as const satisfies readonly Precision[];
/** A sample takes about as long. */
const SAMPLE_MS = 200;
const MOST_STEPS = 50;

/** Milliseconds of a step in both precisions, the steps in turns: an adapter that gets slower meets both alike. */
async function stepTimes({ model, batchSize }: Asked, rounds: Rounds): Promise<Map<string, Summary>> {
  const subjects = [];
  for (const name of PRECISIONS) {
    const device = await openDevice({ precision: name });
    const step = await startTraining(device, `mae:${model}:${batchSize}`);
    const runSteps = async (count: number) => {
      for (let i = 0; i < count; i++) step.submit();
      await device.finish();
    };
    await runSteps(1);
    const calls = await callsFor(SAMPLE_MS, MOST_STEPS, () => runSteps(1));
    subjects.push({ name, calls, run: () => runSteps(calls), device });
  }
  const times = await timeInTurns(subjects, rounds);
  for (const { device } of subjects) device.destroy();
  return times;
}

await program("precision", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        json: OPTIONS.json,
        repeats: OPTIONS.repeats,
        warmup: OPTIONS.warmup,
        steps: { type: "string" },
        model: { type: "string" },
        batch: { type: "string" },
      },
    }),
  );
  const asked = {
    model: given.model ?? "vit_micro_patch4_32",
    batchSize: wholeNumber("batch", given.batch, 64),
    totalSteps: wholeNumber("steps", given.steps, 300, 2),
  };
  const rounds = {
    warmup: wholeNumber("warmup", given.warmup, 1, 0),
    repeats: wholeNumber("repeats", given.repeats, 7),
  };
  const most = seenOf(vitConfig(asked.model).imageSize);
  if (asked.batchSize > most) throw new UsageError(`--batch must be at most ${most}`);
  const run = (precision: Precision) => {
    say(`mae ${asked.model}, batch ${asked.batchSize}, ${asked.totalSteps} steps in ${precision}`);
    return course(precision, asked);
  };
  const [whole, half] = [await run("f32"), await run("f16")];
  say("timing steps of both");
  const times = await stepTimes(asked, rounds);
  const timed = ({ losses: _, ...found }: Course, precision: Precision): CourseFigures => {
    const time = times.get(precision)!;
    return { ...found, ms: time, imagesPerSecond: (1000 * asked.batchSize) / time.median };
  };
  const [f32, f16] = [timed(whole, "f32"), timed(half, "f16")];
  const lines = [f32, f16].map((found, i) => [
    PRECISIONS[i]!,
    found.firstLoss.toFixed(4),
    found.lastLoss.toFixed(4),
    `${found.skipped}`,
    `${(100 * found.knn).toFixed(1)} %`,
    ms(found.ms.median),
    found.imagesPerSecond.toFixed(1),
  ]);
  print(`products in f16: ${half.how}`);
  print(table(["precision", "first loss", "last loss", "skipped", "k-NN", "ms", "pictures/s"], lines));
  const differences = whole.losses.map((loss, i) => Math.abs(half.losses[i]! - loss) / loss);
  const lossDifference = Math.max(...differences);
  const where = `in step ${differences.indexOf(lossDifference)}`;
  print(`losses differ by at most ${(100 * lossDifference).toFixed(3)} %, ${where}`);
  const figures: PrecisionFigures = { ...asked, f32, f16, lossDifference };
  if (given.json) print(JSON.stringify(figures));
});
