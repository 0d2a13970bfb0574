import { Command } from "commander";
import type { Device } from "../engine/gpu/device.ts";
import { tuneGemm } from "../engine/ops/tuneGemm.ts";
import { speedup, tuneSummary, tuneTable } from "../profile/tuneTable.ts";
import type { RunSettings } from "../train/run.ts";
import { positive, whole } from "./arguments.ts";
import { isSoftware } from "./dawn.ts";
import { asUsage } from "./errors.ts";
import { planOrRefuse } from "./fit.ts";
import { printLine, printResult } from "./output.ts";
import { ProgressLine } from "./progress.ts";
import { DEFAULT_BATCH, encoderOf, type PretrainFlags, settingsOf } from "./runSettings.ts";
import { table } from "./table.ts";
import { openTuned, saveTuning } from "./tuningCache.ts";

type TuneFlags = Pick<
  PretrainFlags,
  "model" | "batch" | "imageSize" | "maskRatio" | "gradCheckpointing" | "json"
> & { rounds: number };

const EXAMPLES = `
Examples:
  partwise tune mae --model vit_small_patch16_224 --batch 64
  partwise tune mae --model vit_micro_patch4_32 --batch 64 --rounds 9

Once on each machine is enough: pretrain, eval, profile and start on the same adapter then use what was found, for all shapes of
the measured classes. Results never change by a bit; --no-tune leaves the choices aside.`;

/** `partwise tune <objective>`. */
export function tuneCommand(): Command {
  const mae = new Command("mae")
    .description("Find the fastest matrix product kernels for the shapes of `pretrain mae`.")
    .requiredOption("--model <name>", "encoder: vit_{micro|mini|tiny|small|base|large}_patch<P>_<SIZE>")
    .option("--batch <n>", `pictures per step (default: ${DEFAULT_BATCH})`, whole(1))
    .option("--image-size <n>", "side of the model's pictures (default: the SIZE in its name)", whole(1))
    .option("--mask-ratio <x>", "share of the patches removed (default: 0.75)", positive)
    .option("--grad-checkpointing", "plan for a run that computes blocks again")
    .option("--rounds <n>", "times each kernel is timed, of which the median counts", whole(1), 5)
    .option("--json", "end with one line of JSON")
    .addHelpText("after", EXAMPLES)
    .action(tuneMae);
  return new Command("tune")
    .description("Measure which kernels are fastest on this adapter, once, for later runs.")
    .addCommand(mae)
    .addHelpText("after", "\nExample:\n  partwise tune mae --help");
}

async function tuneMae({ rounds, json, gradCheckpointing, ...flags }: TuneFlags): Promise<void> {
  const { imageSize: side } = await encoderOf(flags);
  const assumed = { name: "", count: flags.batch ?? DEFAULT_BATCH, width: side, height: side };
  const settings = await asUsage(() => settingsOf({ ...flags, normPix: true, steps: 1 }, assumed));
  const device = await openTuned({ tune: true });
  await planOrRefuse(device, settings, { gradCheckpointing, withoutImages: true });
  await saveTuning(device); // what cannot be written is better known before the measuring
  const line = new ProgressLine();
  let done = 0;
  const tuned = await tuneGemm(device, {
    now: () => performance.now(),
    rounds,
    onTuned: ({ name }) => line.show(`${++done}/${device.tuning.asked.size}  ${name}`),
  });
  line.end();
  const file = await saveTuning(device);
  const { header, lines } = tuneTable(tuned);
  const { model, batchSize } = settings;
  printLine(`mae ${model}, batch ${batchSize}; ${device.info.description}\n`);
  printLine(`${table(header, lines)}\n`);
  printLine(`${tuneSummary(tuned)} Saved in ${file}`);
  printResult(json, {
    command: "tune mae",
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
  const { model, batchSize, mae } = settings;
  const { imageSize } = mae.encoder;
  const size = model.endsWith(`_${imageSize}`) ? "" : ` --image-size ${imageSize}`;
  const command = `partwise tune mae --model ${model} --batch ${batchSize}${size}`;
  return `not tuned for these shapes on this adapter: \`${command}\` finds the fastest kernels once, for the same bits`;
}
