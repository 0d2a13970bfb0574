import { Command } from "commander";
import type { DataDescription } from "../train/run.ts";
import { positive, whole } from "./arguments.ts";
import { addDataOptions, choiceOf, type DataFlags } from "./dataOptions.ts";
import { describeSplit } from "./datasets.ts";
import { asUsage } from "./errors.ts";
import { planOrRefuse } from "./fit.ts";
import { printLine, printResult } from "./output.ts";
import { byteSize, ProgressLine } from "./progress.ts";
import { DEFAULT_BATCH, encoderOf, type PretrainFlags, settingsOf } from "./runSettings.ts";
import { openTuned } from "./tuningCache.ts";

/** The flags of `partwise plan mae` as commander gives them. */
type PlanFlags = Omit<PretrainFlags, "out" | "tune" | keyof DataFlags> & Partial<DataFlags>;

const EXAMPLES = `
Examples:
  partwise plan mae --model vit_small_patch16_224 --batch 64
  partwise plan mae --model vit_small_patch16_224 --batch 64 --grad-checkpointing --json
  partwise plan mae --data creatures --model vit_micro_patch4_32 --batch 4096

Exit code 0 means that the run fits what the adapter says of itself, 2 that it cannot; the sentence then names the largest
batch that does. WebGPU does not tell how much memory a GPU has: compare the total.`;

/** `partwise plan <objective>`. */
export function planCommand(): Command {
  const mae = new Command("mae")
    .description("Show what `pretrain mae` would need, without allocating, compiling or training.")
    .requiredOption("--model <name>", "encoder: vit_{micro|mini|tiny|small|base|large}_patch<P>_<SIZE>")
    .option("--batch <n>", `pictures per step (default: ${DEFAULT_BATCH})`, whole(1))
    .option("--image-size <n>", "side of the model's pictures (default: the SIZE in its name)", whole(1))
    .option("--mask-ratio <x>", "share of the patches removed (default: 0.75)", positive)
    .option("--no-norm-pix", "predict plain pixels, not pixels normalised by patch")
    .option("--grad-checkpointing", "compute blocks again for their gradients")
    .option("--json", "end with one line of JSON")
    .addHelpText("after", EXAMPLES)
    .action(planMae);
  addDataOptions(mae, { otherwise: "none counted" });
  return new Command("plan")
    .description("Show what a run needs, and whether it fits this adapter.")
    .addCommand(mae)
    .addHelpText("after", "\nExample:\n  partwise plan mae --help");
}

async function planMae(flags: PlanFlags): Promise<void> {
  const encoder = await encoderOf(flags);
  const side = encoder.imageSize;
  const data = await picturesOf(flags, side);
  const assumed = { name: "", count: flags.batch ?? DEFAULT_BATCH, width: side, height: side };
  const settings = await asUsage(() => settingsOf({ ...flags, steps: 1 }, data ?? assumed));
  const device = await openTuned({ tune: true });
  const { gradCheckpointing = false } = flags;
  const plan = await planOrRefuse(device, settings, { gradCheckpointing, withoutImages: !data });
  const { limits, info } = device;
  const bindable = limits.maxStorageBufferBindingSize;
  const rows: [string, string][] = [
    ["parameters", `${byteSize(plan.parameters)}: ${plan.parameterCount} values`],
    ["gradients", byteSize(plan.gradients)],
    ["optimiser", `${byteSize(plan.optimizer)}: two moments`],
    ["activations", `${byteSize(plan.activations)} planned, ${byteSize(plan.lowerBound)} alive at once`],
    ["pictures", data ? picturesText(data, plan.images ?? 0) : "not known without --data"],
    ["other", byteSize(plan.other)],
    ["total", byteSize(plan.total)],
    [
      "binding",
      `${byteSize(plan.largestBinding.bytes)} of ${byteSize(bindable)} (${plan.largestBinding.kernel})`,
    ],
    [
      "grid",
      `${plan.longestGrid.workgroups} of ${limits.maxComputeWorkgroupsPerDimension} (${plan.longestGrid.kernel})`,
    ],
    ["step", `${plan.dispatches} dispatches of ${plan.kernels} kernels`],
  ];
  const how = gradCheckpointing ? ", blocks computed again" : "";
  printLine(`${settings.model}, ${plan.batchSize} pictures a step${how}; fits ${info.description}`);
  for (const [label, text] of rows) printLine(`${label.padEnd(13)}${text}`);
  printResult(flags.json, {
    command: "plan mae",
    model: settings.model,
    gradCheckpointing,
    fits: true,
    ...plan,
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

const picturesText = (
  { name, count, width, height }: Omit<DataDescription, "sha256">,
  bytes: number,
): string => `${byteSize(bytes)}: ${count} of ${width} x ${height} (${name})`;

/** The run's pictures, or null without --data. */
async function picturesOf({ data, ...rest }: PlanFlags, side: number) {
  if (data === undefined) return null;
  const line = new ProgressLine();
  const found = await describeSplit(choiceOf({ data, ...rest }), "train", {
    drawnSize: side,
    onProgress: (done, total) => line.show(`reading pictures ${done}/${total}`),
  });
  line.end();
  return found;
}
