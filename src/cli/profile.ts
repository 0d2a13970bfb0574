import { open, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { noisePictures } from "../data/noise.ts";
import type { Device } from "../engine/gpu/device.ts";
import { type VitConfig, vitConfig } from "../models/vit.ts";
import { byKernel, kernelTable, medianRun, rateText, totalMs } from "../profile/byKernel.ts";
import { measureRoofline } from "../profile/measure.ts";
import { chromeTrace } from "../profile/trace.ts";
import { DeviceImages } from "../train/deviceImages.ts";
import { maeRun } from "../train/run.ts";
import { Trainer } from "../train/trainer.ts";
import { path, whole } from "./arguments.ts";
import { addDataOptions, choiceOf, type DataFlags } from "./dataOptions.ts";
import { loadSplit } from "./datasets.ts";
import { asUsage, UsageError } from "./errors.ts";
import { explain } from "./files.ts";
import { printLine, printResult } from "./output.ts";
import { table } from "./table.ts";
import { NO_TUNE, openTuned } from "./tuningCache.ts";

interface ProfileFlags extends Partial<DataFlags> {
  model: string;
  batch: number;
  imageSize?: number;
  steps: number;
  shapes?: boolean;
  tune: boolean;
  trace?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  partwise profile mae --model vit_micro_patch4_32 --batch 64
  partwise profile mae --model vit_small_patch16_224 --batch 8 --shapes --trace trace.json

A kernel's roofline is the time that this adapter's measured rates of memory and arithmetic allow it at least, over the
time it takes; small tensors may stay in a cache, which has rates of its own. ui.perfetto.dev opens the trace. Each dispatch runs in a pass of its own, so a profiled step takes longer
than a step.`;

/** `partwise profile <objective>`. */
export function profileCommand(): Command {
  const mae = new Command("mae")
    .description("Time every kernel of a masked autoencoder's training step.")
    .requiredOption("--model <name>", "encoder: vit_{micro|mini|tiny|small|base|large}_patch<P>_<SIZE>")
    .requiredOption("--batch <n>", "pictures per step", whole(1))
    .option("--image-size <n>", "side of the model's pictures (default: the SIZE in its name)", whole(1))
    .option("--steps <n>", "steps to time, of which the median is shown", whole(1), 3)
    .option("--shapes", "a line for each shape of a kernel")
    .option("--trace <file>", "write the last step as a Chrome trace", path)
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON")
    .addHelpText("after", EXAMPLES)
    .action(profileMae);
  addDataOptions(mae, { otherwise: "noise" });
  return new Command("profile")
    .description("Show where the time of a training step goes.")
    .addCommand(mae)
    .addHelpText("after", "\nExample:\n  partwise profile mae --help");
}

async function profileMae(flags: ProfileFlags): Promise<void> {
  const { model, batch, steps, shapes, json } = flags;
  const encoder = await asUsage(() =>
    vitConfig(model, flags.imageSize === undefined ? {} : { imageSize: flags.imageSize }),
  );
  if (flags.trace !== undefined) await checkWritable(flags.trace);
  const device = withTimestamps(await openTuned({ timestamps: true, tune: flags.tune }));
  const trainer = await trainerOf(device, flags, encoder);
  trainer.run(); // the first run compiles and touches memory
  await device.finish();
  const runs = [];
  while (runs.length < steps) runs.push(await trainer.timeDispatches());
  const dispatches = medianRun(runs);
  const adapter = device.info.description;
  if (flags.trace !== undefined) {
    const places = { process: adapter, thread: `mae ${model}, batch ${batch}` };
    await writeTrace(flags.trace, JSON.stringify(chromeTrace(runs.at(-1)!, places)));
  }
  const roofline = await measureRoofline(device, () => performance.now());
  const rows = byKernel(dispatches, roofline, { shapes });
  const { header, lines } = kernelTable(rows);
  printLine(`mae ${model}, batch ${batch}, ${dispatches.length} dispatches; ${adapter}`);
  printLine(
    `memory ${rateText(roofline.gigabytesPerSecond)} GB/s, arithmetic ${rateText(roofline.gigaflopsPerSecond)} GFLOP/s\n`,
  );
  printLine(table(header, lines));
  printResult(json, {
    command: "profile mae",
    model,
    batch,
    steps,
    adapter,
    roofline,
    ms: totalMs(dispatches),
    dispatches: dispatches.length,
    kernels: rows,
  });
  device.destroy();
}

/** The device, if it can measure times. */
export function withTimestamps(device: Device): Device {
  if (device.capabilities.timestamps) return device;
  throw new UsageError(
    `profile: the adapter must have timestamp queries; ${device.info.description || "this one"} has none. ` +
      "Update the driver, or time whole steps with `npm run bench -- step`",
  );
}

/** The step on the given pictures, or on noise. */
function trainerOf(device: Device, flags: ProfileFlags, { imageSize }: VitConfig): Promise<Trainer> {
  const { model, batch: batchSize, data } = flags;
  return asUsage(async () => {
    const images =
      data === undefined
        ? noisePictures(batchSize, imageSize)
        : await loadSplit(choiceOf({ ...flags, data }), "train", { drawnSize: imageSize });
    const settings = maeRun({ model, data: images, seed: 0, batchSize, totalSteps: 1_000_000, imageSize });
    const trainer = new Trainer(device, settings, await DeviceImages.upload(device, images));
    await trainer.prepare();
    await device.finish();
    return trainer;
  });
}

/** Tells of a wrong path before the work; a file that is there keeps its contents until then. */
async function checkWritable(path: string): Promise<void> {
  const file = await open(path, "a").catch((error) => Promise.reject(explain(path, error)));
  await file.close();
}

async function writeTrace(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((error) => Promise.reject(explain(path, error)));
}
