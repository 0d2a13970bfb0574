import { Command, Option } from "commander";
import type { ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import type { MethodName } from "../models/methods.ts";
import { adapterName, type Checkpoint, restoreTrainer } from "../train/checkpoint.ts";
import { DeviceImages } from "../train/deviceImages.ts";
import { type ProgressRow, train } from "../train/loop.ts";
import type { RunSettings } from "../train/run.ts";
import { startValues } from "../train/startFrom.ts";
import { Trainer } from "../train/trainer.ts";
import { path, positive, seed, whole } from "./options/arguments.ts";
import { addMethods, addModelOptions, configOf } from "./options/methodOptions.ts";
import { addPrecisionOption, f16Text } from "./options/precision.ts";
import { addDataOptions, choiceOf } from "./pictures/dataOptions.ts";
import { loadSplit } from "./pictures/datasets.ts";
import { planOrRefuse } from "./runs/fit.ts";
import { addStartOption, grade, gradedPictures, withStart } from "./runs/givenStart.ts";
import { addTeacherOption, withTeacher } from "./runs/givenTeacher.ts";
import { addTokenizerOption, withTokenizer } from "./runs/givenTokenizer.ts";
import { encoderKnn, type KnnPictures, knnPictures, MOST_PICTURES } from "./runs/onlineKnn.ts";
import { rateNote } from "./runs/rateNote.ts";
import { RunFolder, readCheckpoint, type SavedFile } from "./runs/runFolder.ts";
import {
  assumedSettings,
  checkData,
  checkFlags,
  checkFresh,
  dataOf,
  type PretrainFlags,
  precisionOf,
  settingsOf,
} from "./runs/runSettings.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { checkFolder } from "./system/files.ts";
import { printLine, printNote, printResult, printWarning } from "./system/output.ts";
import { byteSize, duration, ProgressLine } from "./system/progress.ts";
import { statusOf, stopOnSignals } from "./system/signals.ts";
import { NO_TUNE, openTuned } from "./system/tuningCache.ts";
import { tuneHint } from "./tune.ts";

/** Checkpoints of a run when --save-every says nothing. */
const SAVES = 10;

const AFTER = `
DIR then holds checkpoint.safetensors (parameters under timm's names, those of a teacher as teacher.NAME, and the optimiser's
moments), checkpoint.json and metrics.jsonl. Ctrl-C, or a scheduler's SIGTERM, finishes the step and saves, with exit code 130 or
143; --resume goes on to the same bits as a run that never stopped.`;

const examples = (method: MethodName): string => `
Examples:
  partwise pretrain ${method} --data creatures-coat --model vit_micro_patch4_32 --steps 500 --out runs/first
  partwise pretrain ${method} --data creatures-coat --model vit_micro_patch4_32 --steps 500 --out runs/first --resume
${
  method === "supervised"
    ? "  partwise pretrain supervised --from runs/first --data creatures-coat --epochs 20 --out runs/tuned\n"
    : ""
}  partwise pretrain ${method} --data cifar-10-batches-bin --model vit_mini_patch4_32 --epochs 100 --batch 256 --out runs/cifar
`;

/** `partwise pretrain <method>`. */
export const pretrainCommand = (): Command =>
  addMethods(
    new Command("pretrain").description("Pretrain an encoder on pictures, by one of these methods."),
    pretrainBy,
  );

function pretrainBy(method: MethodName, about: string): Command {
  const command = new Command(method)
    .description(about)
    .requiredOption("--out <dir>", "folder of the run", path)
    .addOption(new Option("--steps <n>", "updates to make").argParser(whole(1)).conflicts("epochs"))
    .addOption(
      new Option("--epochs <n>", "epochs of count / batch steps each, instead of --steps").argParser(
        whole(1),
      ),
    )
    .option("--seed <n>", "of first values, order, crops and masks (default: 0)", seed)
    .option("--save-every <n>", "steps between checkpoints (default: a tenth of the run)", whole(1))
    .option(
      "--knn-every <n>",
      `steps between k-NN accuracies of the encoder, of ${MOST_PICTURES} pictures of the test split at most (default: never)`,
      whole(1),
    )
    .option("--resume", "go on from the checkpoint in --out, with its settings")
    .addOption(
      new Option("--lr <x>", "highest learning rate (default: the recipe's)")
        .argParser(positive)
        .conflicts("baseRate"),
    )
    .option("--base-rate <x>", "the same per 256 pictures of a batch, instead of --lr", positive)
    .option("--warmup <n>", "steps of linear warm-up (default: the recipe's share of the run)", whole(0))
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON");
  addPrecisionOption(command);
  addModelOptions(command, method);
  addTokenizerOption(command, method);
  addTeacherOption(command, method);
  addStartOption(command, method);
  addDataOptions(command);
  return command
    .addHelpText("after", examples(method) + AFTER)
    .action((flags: Omit<PretrainFlags, "method" | "config">) =>
      pretrain({ ...flags, method, config: configOf(command, method) }),
    );
}

async function pretrain(flagged: PretrainFlags): Promise<void> {
  const started = performance.now();
  const typed = flagged.resume ? flagged : await withStart(flagged);
  if (!typed.resume) checkFresh(typed);
  const folder = await RunFolder.at(typed.out);
  if (!typed.resume) await checkFolder(typed.out);
  const checkpoint = await checkpointOf(typed, folder);
  const { encoder } = checkpoint ? checkpoint.info.settings : await assumedSettings(typed);
  const asked = await withTokenizer(typed, encoder);
  if (checkpoint) checkFlags(asked, checkpoint.info.settings);

  const line = new ProgressLine();
  const images = await loadSplit(choiceOf(asked), "train", {
    drawnSize: encoder.imageSize,
    onProgress: (done, total) => line.show(`reading pictures ${done}/${total}`),
  });
  line.end();
  const flags = await withTeacher(asked, images.classes.length);
  const labelled = flags.knnEvery === undefined ? null : await knnPictures(choiceOf(flags), images, encoder);
  const settings = checkpoint
    ? checkData(checkpoint.info.settings, dataOf(images))
    : await asUsage(() => settingsOf(flags, dataOf(images)));
  const note = checkpoint ? null : rateNote(flags, settings);
  if (note) printNote(note);
  const graded = await gradedPictures(settings, choiceOf(flags), images, encoder.imageSize);
  if (!checkpoint) {
    await folder.make();
    await checkpointOf(flags, folder); // another run may have come and gone while the pictures were read
  }
  const precision = precisionOf(settings);
  const device = await openTuned({ tune: flags.tune, precision });
  const { trainer, hint } = await prepare(device, settings, images, checkpoint, flags);
  await checkpoint?.close();
  const { memory, dispatches } = await trainer.prepare();
  const size = { parameters: trainer.trained.count(), stepBytes: memory.bytes, dispatches };
  printLine(
    `${settings.method} ${settings.model}: ${size.parameters} parameters, ${byteSize(size.stepBytes)} for a step of ${settings.batchSize} ` +
      `pictures, ${dispatches} dispatches; ${images.count} pictures of ${images.name}; ${device.info.description}`,
  );
  if (precision === "f16") printLine(`products in f16: ${f16Text(device)}`);
  if (hint && flags.tune) printLine(hint);
  if (checkpoint) printLine(goingOn(checkpoint, trainer));

  const { stopped, signal, last } = await runTo(trainer, folder, flags, labelled, line);
  const seconds = (performance.now() - started) / 1000;
  const loss = last ? `, loss ${last.loss.toFixed(4)}` : "";
  printLine(
    `${stopped ? "stopped" : "done"} at step ${trainer.step} of ${settings.totalSteps}${loss}, ` +
      `${duration(seconds)}; saved in ${folder.path}${stopped ? ", go on with --resume" : ""}`,
  );
  const grades = graded && !stopped ? await grade(trainer, graded) : {};
  printResult(flags.json, {
    command: `pretrain ${settings.method}`,
    out: folder.path,
    step: trainer.step,
    totalSteps: settings.totalSteps,
    stopped,
    loss: last?.loss ?? null,
    metrics: last?.metrics ?? {},
    imagesPerSecond: last?.imagesPerSecond ?? null,
    seconds,
    ...grades,
    ...size,
    adapter: device.info.description,
  });
  device.destroy();
  if (stopped && signal !== null) process.exitCode = statusOf(signal);
}

/** The checkpoint to go on from, or null for a fresh run; a run that is there is never overwritten. */
async function checkpointOf(flags: PretrainFlags, folder: RunFolder): Promise<SavedFile<Checkpoint> | null> {
  if (flags.resume) {
    if (await folder.hasCheckpoint()) await folder.make(); // from here on no other run moves it
    return readCheckpoint(folder.path);
  }
  if (!(await folder.hasCheckpoint())) return null;
  throw new UsageError(
    `${folder.path} holds a checkpoint already: add --resume to go on, or name another --out`,
  );
}

/** Where a resumed run goes on, and that it will not be the run it was where the adapter is another. */
function goingOn({ info }: Checkpoint, { step, settings, device }: Trainer): string {
  const line = `going on from step ${step} of ${settings.totalSteps}`;
  const now = adapterName(device);
  if (info.adapter === now) return line;
  return `${line}, on another adapter than before (${info.adapter}): bits will differ from a run on one alone`;
}

/** The trainer with everything on the device, and whether tuning would help. What does not fit is said before anything is allocated. */
const prepare = (
  device: Device,
  settings: RunSettings,
  images: ImageSet,
  checkpoint: Checkpoint | null,
  { gradCheckpointing, tokenizer, given, start, teacher }: PretrainFlags,
): Promise<{ trainer: Trainer; hint: string | null }> =>
  asUsage(async () => {
    await planOrRefuse(device, settings, { gradCheckpointing });
    const hint = tuneHint(device, settings, { gradCheckpointing, tokenizer });
    const onDevice = await DeviceImages.upload(device, images);
    const trainer = new Trainer(device, settings, onDevice, { gradCheckpointing });
    if (checkpoint) await restoreTrainer(trainer, checkpoint);
    await trainer.ready(start ? startValues(trainer, start) : (teacher ?? given?.buffers));
    await trainer.prepare();
    await device.finish();
    return { trainer, hint };
  });

/** Trains to the end, or to the first signal, with log, checkpoints and progress. */
async function runTo(
  trainer: Trainer,
  folder: RunFolder,
  { saveEvery, knnEvery }: PretrainFlags,
  labelled: KnnPictures | null,
  line: ProgressLine,
): Promise<{ stopped: boolean; signal: NodeJS.Signals | null; last: ProgressRow | null }> {
  const { totalSteps } = trainer.settings;
  let last: ProgressRow | null = null;
  await folder.openLog(trainer.step);
  const stop = stopOnSignals(() => line.show("stopping after this step"));
  try {
    const { stopped } = await train(trainer, {
      now: () => performance.now(),
      onProgress(row) {
        last = row;
        folder.log(row);
        line.show(progressText(row, totalSteps));
      },
      onWarning: printWarning,
      save: () => folder.save(trainer),
      saveEvery: saveEvery ?? Math.ceil(totalSteps / SAVES),
      ...(labelled && { measureEvery: knnEvery, measure: () => measured(trainer, labelled) }),
      shouldStop: () => stop.requested,
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    });
    return { stopped: stopped && trainer.step < totalSteps, signal: stop.signal, last };
  } finally {
    line.end();
    folder.close();
    stop.release();
  }
}

/** Prints the encoder's k-NN accuracy, and gives it to the metrics. */
async function measured(trainer: Trainer, labelled: KnnPictures): Promise<Record<string, number>> {
  const { accuracy, sentence } = await encoderKnn(trainer, labelled);
  printLine(`step ${trainer.step}: ${sentence}`);
  return { knn: accuracy };
}

const progressText = (
  { step, loss, metrics, imagesPerSecond, secondsLeft }: ProgressRow,
  totalSteps: number,
): string =>
  `step ${step + 1}/${totalSteps}  loss ${loss.toFixed(4)}  ` +
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}  `)
    .join("") +
  `${imagesPerSecond.toFixed(0)} images/s  ${duration(secondsLeft)} left`;
