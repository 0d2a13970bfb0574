// Does a run in f16 learn as one in f32, and how much faster is it on this adapter?
//   npm run bench -- precision [--steps 300] [--model vit_micro_patch4_32] [--batch 64]
// The same MAE steps in both precisions, the built-in pictures: the largest relative difference of losses, steps that were
// skipped, k-NN of the encoders, and pictures a second. First what the adapter makes of f16.
import { parseArgs } from "node:util";
import { openDevice } from "../src/cli/dawn.ts";
import { encoderKnn } from "../src/cli/onlineKnn.ts";
import { f16Text } from "../src/cli/precision.ts";
import { creatures } from "../src/data/creatures/creatures.ts";
import type { Precision } from "../src/engine/gpu/device.ts";
import { vitConfig } from "../src/models/vit.ts";
import { DeviceImages } from "../src/train/deviceImages.ts";
import { type ProgressRow, train } from "../src/train/loop.ts";
import { descriptionOf, runSettings } from "../src/train/run.ts";
import { Trainer } from "../src/train/trainer.ts";
import { commandLine, print, program, say, UsageError, wholeNumber } from "./measure/program.ts";
import { table } from "./measure/table.ts";

const PICTURES = { train: 4096, test: 500 };

interface Asked {
  model: string;
  batchSize: number;
  totalSteps: number;
}

/** A run of the first steps: its rows, and how well its encoder's neighbours vote. */
async function course(precision: Precision, { model, ...asked }: Asked) {
  const device = await openDevice({ precision });
  const size = vitConfig(model).imageSize;
  const [seen, unseen] = (["train", "test"] as const).map((split, i) =>
    creatures({ kind: "creatures-coat", count: PICTURES[split], seed: 1 + i, size }),
  ) as [ReturnType<typeof creatures>, ReturnType<typeof creatures>];
  const data = descriptionOf(seen);
  const settings = runSettings({ method: "mae", model, data, seed: 1, precision, ...asked });
  const trainer = new Trainer(device, settings, await DeviceImages.upload(device, seen));
  const rows: ProgressRow[] = [];
  await train(trainer, { now: () => performance.now(), onProgress: (row) => void rows.push(row) });
  const { accuracy } = await encoderKnn(trainer, { train: seen, test: unseen });
  const how = `${device.info.description}: ${precision === "f16" ? f16Text(device) : "f32"}`;
  device.destroy();
  return { precision, how, rows, accuracy };
}

await program("precision", async () => {
  const { values: given } = commandLine(() =>
    parseArgs({
      options: { steps: { type: "string" }, model: { type: "string" }, batch: { type: "string" } },
    }),
  );
  const asked = {
    model: given.model ?? "vit_micro_patch4_32",
    batchSize: wholeNumber("batch", given.batch, 64),
    totalSteps: wholeNumber("steps", given.steps, 300, 2),
  };
  if (asked.batchSize > PICTURES.train) throw new UsageError(`--batch must be at most ${PICTURES.train}`);
  const courses = [];
  for (const precision of ["f32", "f16"] as const) {
    say(`mae ${asked.model}, batch ${asked.batchSize}, ${asked.totalSteps} steps in ${precision}`);
    courses.push(await course(precision, asked));
  }
  const [f32, f16] = courses as [(typeof courses)[0], (typeof courses)[0]];
  const lines = courses.map(({ precision, rows, accuracy }) => [
    precision,
    rows[0]!.loss.toFixed(4),
    rows.at(-1)!.loss.toFixed(4),
    `${rows.filter(({ metrics }) => metrics.skipped).length}`,
    `${(100 * accuracy).toFixed(1)} %`,
    rows.at(-1)!.imagesPerSecond.toFixed(1),
  ]);
  print(f16.how);
  print(table(["precision", "first loss", "last loss", "skipped", "k-NN", "pictures/s"], lines));
  const differences = f32.rows.map(({ loss }, i) => Math.abs(f16.rows[i]!.loss - loss) / loss);
  const worst = Math.max(...differences);
  print(`losses differ by at most ${(100 * worst).toFixed(3)} %, in step ${differences.indexOf(worst)}`);
});
