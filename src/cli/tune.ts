import { Command } from "commander";
import type { Device } from "../engine/gpu/device.ts";
import { tuneKernels } from "../engine/ops/tune.ts";
import type { MethodName } from "../models/methods.ts";
import { speedup, tuneSummary, tuneTable } from "../profile/tuneTable.ts";
import type { RunSettings } from "../train/run.ts";
import { whole } from "./options/arguments.ts";
import { addMethods, addModelOptions, configOf } from "./options/methodOptions.ts";
import { planOrRefuse } from "./runs/fit.ts";
import { assumedSettings, type RunFlags } from "./runs/runSettings.ts";
import { isSoftware } from "./system/dawn.ts";
import { printLine, printResult } from "./system/output.ts";
import { ProgressLine } from "./system/progress.ts";
import { table } from "./system/table.ts";
import { openTuned, saveTuning } from "./system/tuningCache.ts";

type TuneFlags = RunFlags & { rounds: number; json?: boolean };

const AFTER = `
Once on each machine is enough: pretrain, eval, profile and start on the same adapter then use what was found, for all shapes of
the measured classes. Results never change by a bit; --no-tune leaves the choices aside.`;

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
        .option("--json", "end with one line of JSON");
      return addModelOptions(command, method)
        .addHelpText("after", examples(method) + AFTER)
        .action((flags) => tune({ ...flags, method, config: configOf(command, method) }));
    },
  );

async function tune(flags: TuneFlags): Promise<void> {
  const { rounds, json, gradCheckpointing } = flags;
  const settings = await assumedSettings(flags);
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

/** What `pretrain` says where a GPU's kernels are chosen by guess although they could be measured. */
export function tuneHint(device: Pick<Device, "info" | "tuning">, settings: RunSettings): string | null {
  const { asked, choices } = device.tuning;
  if (isSoftware(device.info) || [...asked.keys()].every((name) => choices.has(name))) return null;
  const { method, model, batchSize, encoder } = settings;
  const { imageSize } = encoder;
  const size = model.endsWith(`_${imageSize}`) ? "" : ` --image-size ${imageSize}`;
  const command = `partwise tune ${method} --model ${model} --batch ${batchSize}${size}`;
  return `not tuned for these shapes on this adapter: \`${command}\` finds the fastest kernels once, for the same bits`;
}
