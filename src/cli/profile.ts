import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { noisePictures } from "../data/noise.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { MethodName } from "../models/methods.ts";
import type { VitConfig } from "../models/vit.ts";
import { byKernel, kernelTable, medianRun, rateText, totalMs } from "../profile/byKernel.ts";
import { measureRoofline } from "../profile/measure.ts";
import { chromeTrace } from "../profile/trace.ts";
import { DeviceImages } from "../train/deviceImages.ts";
import { descriptionOf } from "../train/run.ts";
import { Trainer } from "../train/trainer.ts";
import { path, whole } from "./options/arguments.ts";
import { addMethods, addModelOptions, configOf, DEFAULT_BATCH } from "./options/methodOptions.ts";
import { addPrecisionOption } from "./options/precision.ts";
import { addDataOptions, choiceOf, type DataFlags } from "./pictures/dataOptions.ts";
import { loadSplit } from "./pictures/datasets.ts";
import { ASSUMED_CLASSES, assumedSettings, type RunFlags, settingsOf } from "./runs/runSettings.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { checkFile, explain } from "./system/files.ts";
import { printLine, printResult } from "./system/output.ts";
import { table } from "./system/table.ts";
import { NO_TUNE, openTuned } from "./system/tuningCache.ts";

type ProfileFlags = RunFlags &
  Partial<DataFlags> & {
    batch: number;
    times: number;
    shapes?: boolean;
    tune: boolean;
    trace?: string;
    json?: boolean;
  };

const AFTER = `
A kernel's roofline is the time that this adapter's measured rates of memory and arithmetic allow it at least, over the
time it takes; small tensors may stay in a cache, which has rates of its own. ui.perfetto.dev opens the trace. Each dispatch runs in a pass of its own, so a profiled step takes longer
than a step.`;

const examples = (method: MethodName): string => `
Examples:
  partwise profile ${method} --model vit_micro_patch4_32 --batch 64
  partwise profile ${method} --model vit_small_patch16_224 --batch 8 --shapes --trace trace.json
`;

/** `partwise profile <method>`. */
export const profileCommand = (): Command =>
  addMethods(new Command("profile").description("Show where the time of a training step goes."), (method) => {
    const command = new Command(method)
      .description(`Time every kernel of a training step of \`pretrain ${method}\`.`)
      .option("--steps <n>", "steps to time, of which the median is shown", whole(1), 3)
      .option("--shapes", "a line for each shape of a kernel")
      .option("--trace <file>", "write the last step as a Chrome trace", path)
      .option(...NO_TUNE)
      .option("--json", "end with one line of JSON");
    addPrecisionOption(command);
    addModelOptions(command, method);
    addDataOptions(command, { otherwise: "noise" });
    return command
      .addHelpText("after", examples(method) + AFTER)
      .action(({ steps, batch = DEFAULT_BATCH, ...flags }) =>
        profile({ ...flags, batch, times: steps, method, config: configOf(command, method) }),
      );
  });

async function profile(flags: ProfileFlags): Promise<void> {
  const { method, model, batch, times, shapes, json } = flags;
  const { encoder } = await assumedSettings(flags);
  if (flags.trace !== undefined) await checkFile(flags.trace);
  const { precision = "f32" } = flags;
  const device = withTimestamps(await openTuned({ timestamps: true, tune: flags.tune, precision }));
  const trainer = await trainerOf(device, flags, encoder);
  trainer.run(); // the first run compiles and touches memory
  await device.finish();
  const runs = [];
  while (runs.length < times) runs.push(await trainer.timeDispatches());
  const dispatches = medianRun(runs);
  const adapter = device.info.description;
  if (flags.trace !== undefined) {
    const places = { process: adapter, thread: `${method} ${model}, batch ${batch}` };
    await writeTrace(flags.trace, JSON.stringify(chromeTrace(runs.at(-1)!, places)));
  }
  const roofline = await measureRoofline(device, () => performance.now());
  const rows = byKernel(dispatches, roofline, { shapes });
  const { header, lines } = kernelTable(rows);
  printLine(`${method} ${model}, batch ${batch}, ${precision}, ${dispatches.length} dispatches; ${adapter}`);
  const { gigabytesPerSecond, gigaflopsPerSecond, roundedGigaflopsPerSecond: rounded } = roofline;
  const inF16 = rounded === undefined ? "" : `, of operands rounded to f16 ${rateText(rounded)}`;
  printLine(
    `memory ${rateText(gigabytesPerSecond)} GB/s, arithmetic ${rateText(gigaflopsPerSecond)} GFLOP/s${inF16}\n`,
  );
  printLine(table(header, lines));
  printResult(json, {
    command: `profile ${method}`,
    model,
    batch,
    precision,
    steps: times,
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
  const { data, batch, gradCheckpointing } = flags;
  return asUsage(async () => {
    const images =
      data === undefined
        ? noisePictures(batch, imageSize, ASSUMED_CLASSES)
        : await loadSplit(choiceOf({ ...flags, data }), "train", { drawnSize: imageSize });
    const settings = settingsOf({ ...flags, steps: 1_000_000 }, descriptionOf(images));
    const onDevice = await DeviceImages.upload(device, images);
    const trainer = new Trainer(device, settings, onDevice, { gradCheckpointing });
    await trainer.prepare();
    await device.finish();
    return trainer;
  });
}

async function writeTrace(path: string, text: string): Promise<void> {
  await writeFile(path, text).catch((error) => Promise.reject(explain(path, error)));
}
