import { Command } from "commander";
import type { Device } from "../engine/gpu/device.ts";
import { tuneKernels } from "../engine/ops/tune.ts";
import type { MethodName } from "../models/methods.ts";
import { speedup, tuneSummary, tuneTable } from "../profile/tuneTable.ts";
import { methodOf, type RunSettings } from "../train/run.ts";
import { whole } from "./options/arguments.ts";
import { addMethods, addModelOptions, configOf, modelArguments } from "./options/methodOptions.ts";
import { planOrRefuse } from "./runs/fit.ts";
import { addTokenizerOption, withTokenizer } from "./runs/givenTokenizer.ts";
import { ASSUMED_CLASSES, assumedSettings, type RunFlags } from "./runs/runSettings.ts";
import { isSoftware } from "./system/dawn.ts";
import { printLine, printResult } from "./system/output.ts";
import { ProgressLine } from "./system/progress.ts";
import { table } from "./system/table.ts";
import { openTuned, saveTuning } from "./system/tuningCache.ts";

/** The flags of `partwise tune` as commander gives them, and the method's. */
type TuneFlags = RunFlags & { tokenizer?: string; rounds: number; json?: boolean };

const AFTER = `
Once on each machine is enough: all commands on the same adapter then use what was found, for all shapes of the measured classes.
Results never change by a bit; --no-tune leaves the choices aside. Products by subgroup matrices in f16 are not tuned.`;

const examples = (method: MethodName): string => `
Examples:
  partwise tune ${method} --model vit_small_patch16_224 --batch 64
  partwise tune ${method} --model vit_micro_patch4_32 --batch 64 --rounds 9
`;

/** `partwise tune <method>`. */
export const tuneCommand = (): Command =>
  addMethods(
    new Command("tune").description(
      "Measure which kernels are fastest on this adapter, once, for later runs.",
    ),
    (method) => {
      const command = new Command(method)
        .description(
          `Find the fastest kernels, of matrix products and attention, for the shapes of \`pretrain ${method}\`.`,
        )
        .option("--rounds <n>", "times each kernel is timed, of which the median counts", whole(1), 5)
        .option("--classes <n>", "of the pictures, for methods that read labels", whole(1), ASSUMED_CLASSES)
        .option("--json", "end with one line of JSON");
      addModelOptions(command, method);
      addTokenizerOption(command, method);
      return command
        .addHelpText("after", examples(method) + AFTER)
        .action((flags) => tune({ ...flags, method, config: configOf(command, method) }));
    },
  );

/** The settings of the run that kernels are tuned for. */
export async function tunedSettings(flags: TuneFlags): Promise<RunSettings> {
  const { encoder } = await assumedSettings(flags);
  return assumedSettings(await withTokenizer(flags, encoder));
}

async function tune(flags: TuneFlags): Promise<void> {
  const { rounds, json, gradCheckpointing } = flags;
  const settings = await tunedSettings(flags);
  const device = await openTuned({ tune: true });
  await planOrRefuse(device, settings, { gradCheckpointing, withoutImages: true });
  await saveTuning(device); // what cannot be written is better known before the measuring
  const line = new ProgressLine();
  let done = 0;
  const tuned = await tuneKernels(device, {
    now: () => performance.now(),
    rounds,
    onTuned: ({ name }) => line.show(`${++done}/${device.tuning.asked.size}  ${name}`),
  });
  line.end();
  const file = await saveTuning(device);
  const { header, lines } = tuneTable(tuned);
  const { method, model, batchSize } = settings;
  printLine(`${method} ${model}, batch ${batchSize}; ${device.info.description}\n`);
  printLine(`${table(header, lines)}\n`);
  printLine(`${tuneSummary(tuned)} Saved in ${file}`);
  printResult(json, {
    command: `tune ${method}`,
    model,
    batch: batchSize,
    adapter: device.info.description,
    file,
    classes: tuned.map((found) => ({ ...found, speedup: speedup(found) })),
  });
  device.destroy();
}

/** The flags of a run that its settings do not hold. */
export interface HintFlags {
  gradCheckpointing?: boolean;
  /** The file of a tokenizer. */
  tokenizer?: string;
}

/**
 * What `pretrain` says where a GPU's kernels are chosen by guess although they could be measured; the device has been asked for
 * what the run's step computes, and no more. Null, too, where measuring would not decide: beside subgroup matrices, for which
 * there is nothing to tune, and where `tune` cannot be told of all the run's networks.
 */
export function tuneHint(
  { info, tuning, capabilities }: Pick<Device, "info" | "tuning" | "capabilities">,
  settings: RunSettings,
  { gradCheckpointing = false, tokenizer }: HintFlags = {},
): string | null {
  const { asked, choices } = tuning;
  if (isSoftware(info) || [...asked.keys()].every((name) => choices.has(name))) return null;
  const { method, data, tokenizer: codes } = settings;
  const { given = [], needsLabels = false } = methodOf(settings);
  const isKnown = codes === undefined ? given.length === 0 : tokenizer !== undefined;
  if (capabilities.matrices.length > 0 || !isKnown) return null;
  const words = [
    ...["partwise", "tune", method, ...modelArguments(settings)],
    ...(needsLabels && data.classes !== ASSUMED_CLASSES ? ["--classes", `${data.classes}`] : []),
    ...(tokenizer === undefined ? [] : ["--tokenizer", tokenizer]),
    ...(gradCheckpointing ? ["--grad-checkpointing"] : []),
  ];
  return (
    `not tuned for these shapes on this adapter: \`${words.join(" ")}\` finds the fastest kernels once, ` +
    "for the same bits"
  );
}
