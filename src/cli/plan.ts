import { Command } from "commander";
import type { MethodName } from "../models/methods.ts";
import type { DataDescription } from "../train/run.ts";
import { addMethods, addModelOptions, configOf } from "./options/methodOptions.ts";
import { addPrecisionOption } from "./options/precision.ts";
import { addDataOptions, choiceOf, type DataFlags } from "./pictures/dataOptions.ts";
import { describeSplit } from "./pictures/datasets.ts";
import { planOrRefuse } from "./runs/fit.ts";
import { addStartOption, withStart } from "./runs/givenStart.ts";
import { addTeacherOption, withTeacher } from "./runs/givenTeacher.ts";
import { addTokenizerOption, withTokenizer } from "./runs/givenTokenizer.ts";
import { assumedSettings, precisionOf, type RunFlags, settingsOf } from "./runs/runSettings.ts";
import { asUsage } from "./system/errors.ts";
import { printLine, printResult } from "./system/output.ts";
import { byteSize, ProgressLine } from "./system/progress.ts";
import { openTuned } from "./system/tuningCache.ts";

/** The flags of `partwise plan` as commander gives them, and the method's. */
type PlanFlags = RunFlags &
  Partial<DataFlags> & { tokenizer?: string; from?: string; distill?: string; json?: boolean };

const EXIT_CODES = `
Exit code 0 means that the run fits what the adapter says of itself, 2 that it cannot; the sentence then names the largest
batch that does. WebGPU does not tell how much memory a GPU has: compare the total.`;

const examples = (method: MethodName): string => `
Examples:
  partwise plan ${method} --model vit_small_patch16_224 --batch 64
  partwise plan ${method} --model vit_small_patch16_224 --batch 64 --grad-checkpointing --json
  partwise plan ${method} --data creatures --model vit_micro_patch4_32 --batch 4096
`;

/** `partwise plan <method>`. */
export const planCommand = (): Command =>
  addMethods(
    new Command("plan").description("Show what a run needs, and whether it fits this adapter."),
    (method) => {
      const command = new Command(method)
        .description(
          `Show what \`pretrain ${method}\` would need, without allocating, compiling or training.`,
        )
        .option("--json", "end with one line of JSON");
      addPrecisionOption(command);
      addModelOptions(command, method);
      addTokenizerOption(command, method);
      addTeacherOption(command, method);
      addStartOption(command, method);
      addDataOptions(command, { otherwise: "none counted" });
      return command
        .addHelpText("after", examples(method) + EXIT_CODES)
        .action((flags) => plan({ ...flags, method, config: configOf(command, method) }));
    },
  );

async function plan(typed: PlanFlags): Promise<void> {
  const begun = await withStart(typed);
  const { encoder } = await assumedSettings(begun);
  const data = await picturesOf(begun, encoder.imageSize);
  const flags = await withTeacher(await withTokenizer(begun, encoder), data ? (data.classes ?? 0) : null);
  const settings = data
    ? await asUsage(() => settingsOf({ ...flags, steps: 1 }, data))
    : await assumedSettings(flags);
  const device = await openTuned({ tune: true, precision: precisionOf(settings) });
  const { gradCheckpointing = false } = flags;
  const found = await planOrRefuse(device, settings, { gradCheckpointing, withoutImages: !data });
  const { limits, info } = device;
  const bindable = limits.maxStorageBufferBindingSize;
  const rows: [string, string][] = [
    ["parameters", `${byteSize(found.parameters)}: ${found.parameterCount} values${of(found.networks)}`],
    ["gradients", byteSize(found.gradients)],
    ["optimiser", `${byteSize(found.optimizer)}: two moments`],
    ["activations", `${byteSize(found.activations)} planned, ${byteSize(found.lowerBound)} alive at once`],
    ["pictures", data ? picturesText(data, found.images ?? 0) : "not known without --data"],
    ["other", byteSize(found.other)],
    ["total", byteSize(found.total)],
    [
      "binding",
      `${byteSize(found.largestBinding.bytes)} of ${byteSize(bindable)} (${found.largestBinding.kernel})`,
    ],
    [
      "grid",
      `${found.longestGrid.workgroups} of ${limits.maxComputeWorkgroupsPerDimension} (${found.longestGrid.kernel})`,
    ],
    ["step", `${found.dispatches} dispatches of ${found.kernels} kernels`],
    ["arithmetic", `${(found.flops / found.batchSize / 1e9).toPrecision(3)} GFLOP a picture`],
  ];
  const how = `${settings.precision ? `, ${settings.precision}` : ""}${gradCheckpointing ? ", blocks computed again" : ""}`;
  printLine(
    `${settings.method} ${settings.model}, ${found.batchSize} pictures a step${how}; fits ${info.description}`,
  );
  for (const [label, text] of rows) printLine(`${label.padEnd(13)}${text}`);
  printResult(flags.json, {
    command: `plan ${settings.method}`,
    model: settings.model,
    precision: device.precision,
    gradCheckpointing,
    fits: true,
    ...found,
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: bindable,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    },
    data: data && { name: data.name, count: data.count, width: data.width, height: data.height },
    adapter: info.description,
  });
  device.destroy();
}

/** A method may train one network beside another. */
const of = (networks: number): string => (networks > 1 ? ` in ${networks} networks` : "");

const picturesText = ({ name, count, width, height }: DataDescription, bytes: number): string =>
  `${byteSize(bytes)}: ${count} of ${width} x ${height} (${name})`;

/** The run's pictures, or null without --data. */
async function picturesOf({ data, ...rest }: PlanFlags, side: number): Promise<DataDescription | null> {
  if (data === undefined) return null;
  const line = new ProgressLine();
  const found = await describeSplit(choiceOf({ data, ...rest }), "train", {
    drawnSize: side,
    onProgress: (done, total) => line.show(`reading pictures ${done}/${total}`),
  });
  line.end();
  return found;
}
