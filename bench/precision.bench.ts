// Does a run in f16 learn as one in f32, and how much faster is it on this adapter?
//   npm run bench -- precision [--steps 300] [--model vit_micro_patch4_32] [--batch 64] [--json]
// The same MAE steps in both precisions, the built-in pictures: the largest relative difference of losses, steps that were
// skipped, k-NN of the encoders, and pictures a second. First what the adapter makes of f16.
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
import { table } from "./measure/table.ts";
import type { CourseFigures, PrecisionFigures } from "./precisionFigures.ts";

/** Pictures to learn from, fewer where they are large, and to be voted on. */
const seenOf = (side: number): number => (side <= 96 ? 4096 : 512);
const UNSEEN = 500;

interface Asked {
  model: string;
  batchSize: number;
  totalSteps: number;
}

interface Course extends CourseFigures {
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
    imagesPerSecond: rows.at(-1)!.imagesPerSecond,
  };
}

await program("precision", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: {
        ...OPTIONS,
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
  const most = seenOf(vitConfig(asked.model).imageSize);
  if (asked.batchSize > most) throw new UsageError(`--batch must be at most ${most}`);
  const run = (precision: Precision) => {
    say(`mae ${asked.model}, batch ${asked.batchSize}, ${asked.totalSteps} steps in ${precision}`);
    return course(precision, asked);
  };
  const [whole, half] = [await run("f32"), await run("f16")];
  const lines = [whole, half].map((found, i) => [
    i === 0 ? "f32" : "f16",
    found.firstLoss.toFixed(4),
    found.lastLoss.toFixed(4),
    `${found.skipped}`,
    `${(100 * found.knn).toFixed(1)} %`,
    found.imagesPerSecond.toFixed(1),
  ]);
  print(`products in f16: ${half.how}`);
  print(table(["precision", "first loss", "last loss", "skipped", "k-NN", "pictures/s"], lines));
  const differences = whole.losses.map((loss, i) => Math.abs(half.losses[i]! - loss) / loss);
  const lossDifference = Math.max(...differences);
  const where = `in step ${differences.indexOf(lossDifference)}`;
  print(`losses differ by at most ${(100 * lossDifference).toFixed(3)} %, ${where}`);
  const { losses: _, ...f32 } = whole;
  const { losses: __, ...f16 } = half;
  const figures: PrecisionFigures = { ...asked, f32, f16, lossDifference };
  if (given.json) print(JSON.stringify(figures));
});
