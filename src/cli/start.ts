import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { Command } from "commander";
import type { Split } from "../data/dataFormat.ts";
import type { ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { accuracyOf, guessLevels } from "../eval/metrics.ts";
import { DeviceImages } from "../train/deviceImages.ts";
import { type ProgressRow, train } from "../train/loop.ts";
import { descriptionOf, maeConfigOfRun, type RunSettings, runSettings } from "../train/run.ts";
import { Trainer } from "../train/trainer.ts";
import { path, seed, whole } from "./arguments.ts";
import { loadSplit } from "./datasets.ts";
import { backendName, isSoftware } from "./dawn.ts";
import { asUsage, UsageError } from "./errors.ts";
import { explain, kindOf, writeAtomic } from "./files.ts";
import { planOrRefuse } from "./fit.ts";
import { printLine, printResult } from "./output.ts";
import { duration } from "./progress.ts";
import { type Comparison, gainOf, type ProbedEncoder, probeEncoder, probePixels } from "./report/compare.ts";
import { type AdapterReport, type PictureRow, type StartReport, sentenceOf } from "./report/data.ts";
import { startPage } from "./report/page.ts";
import { completedPictures } from "./report/pictures.ts";
import { Stages } from "./report/stages.ts";
import { RunFolder } from "./runFolder.ts";
import { NO_TUNE, openTuned } from "./tuningCache.ts";

/** The flags of `partwise start` as commander gives them. */
export interface StartFlags {
  out: string;
  steps: number;
  batch: number;
  seed: number;
  train: number;
  test: number;
  probeEpochs: number;
  tune: boolean;
  json?: boolean;
}

const MODEL = "vit_micro_patch4_32";
/** For a few hundred steps: the paper's rate and crops are for many thousands; one decoder block was no worse than two. */
const RECIPE = { baseRate: 1.6e-2, warmup: 0.1, config: { cropScale: [0.5, 1], decoderDepth: 1 } } as const;
const READING = "mean";
const NEIGHBOURS = 20;
/** Pictures of the strip. */
const SHOWN = 8;

const AFTER = `
DIR then holds report.html, report.json, metrics.jsonl and checkpoint.safetensors; what an earlier start left there is
replaced once all of the new one is there.

Examples:
  partwise start
  partwise start --steps 2000 --seed 1 --out out/longer`;

/** `partwise start`: the main job. */
export const startCommand = (): Command =>
  new Command("start")
    .description(
      "Pretrain a small encoder on the built-in pictures, measure what it learned, and write a report.",
    )
    .option("--out <dir>", "folder of the report", path, "out/start")
    .option("--steps <n>", "updates to make", whole(1), 600)
    .option("--batch <n>", "pictures per update", whole(1), 32)
    .option("--seed <n>", "of first values, order, crops, masks and probes", seed, 0)
    .option("--train <n>", "pictures to train on", whole(1), 4000)
    .option("--test <n>", "pictures to test on", whole(1), 1000)
    .option("--probe-epochs <n>", "epochs of the linear probe", whole(1), 30)
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON")
    .addHelpText("after", AFTER)
    .action(start);

/** Runs the main job: draws, trains, compares with the untrained encoder, writes the report. */
export async function start(flags: StartFlags): Promise<void> {
  const folder = await outFolder(flags.out);
  try {
    await startIn(folder, flags);
  } finally {
    folder.close();
  }
}

async function startIn(folder: RunFolder, flags: StartFlags): Promise<void> {
  const clock = new Stages(7);
  const load = (split: Split) =>
    loadSplit({ data: "creatures", limit: flags[split] }, split, { drawnSize: 32 });
  const sets = await clock.run("drawing pictures", async () => ({
    train: await load("train"),
    test: await load("test"),
  }));
  const trainer = await clock.run("opening the adapter, compiling", () => prepare(flags, sets.train));
  const { device, trained: parameters, settings } = trainer;
  const mae = maeConfigOfRun(settings)!;
  const { encoder } = mae;
  printLine(
    `${MODEL}, ${parameters.count()} parameters; ${device.info.description}` +
      `${isSoftware(device.info) ? " (software adapter)" : ""}`,
  );

  const comparison: Comparison = {
    device,
    ...sets,
    reading: READING,
    neighbours: NEIGHBOURS,
    epochs: flags.probeEpochs,
    seed: flags.seed,
    onProgress: clock.show,
  };
  const untrained = await clock.run("probing the untrained encoder", () =>
    asUsage(() => probeEncoder(comparison, parameters, encoder)),
  );
  const rows = await clock.run("training", () => pretrain(trainer, clock.show));
  const pretrained = await clock.run("probing the pretrained encoder", () =>
    probeEncoder(comparison, parameters, encoder),
  );
  const pixels = await clock.run("comparing raw pixels", () => probePixels(comparison));
  const pictures = await clock.run("completing pictures", () =>
    completedPictures(trainer, mae, sets.test, SHOWN),
  );

  const step = await trainer.prepare();
  const result = (contender: "pretrained" | "untrained", hits: ProbedEncoder) =>
    (["knn", "linear"] as const).map((probe) => ({ contender, probe, top1: accuracyOf(hits[probe]) }));
  const { epochs, batchSize, rate, updates } = pretrained.probe;
  const report: StartReport = {
    format: "partwise.start.1",
    finished: new Date().toISOString(),
    command: commandOf(flags),
    adapter: adapterOf(device),
    machine: `Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} × ${cpus()[0]?.model ?? "processor"}`,
    settings,
    model: { parameters: parameters.count(), stepBytes: step.memory.bytes, dispatches: step.dispatches },
    data: {
      name: "creatures",
      train: sets.train.count,
      test: sets.test.count,
      size: encoder.imageSize,
      classes: sets.train.classes,
    },
    probes: {
      reading: READING,
      neighbours: NEIGHBOURS,
      temperature: pretrained.temperature,
      linear: { epochs, batchSize, rate, updates },
    },
    metrics: rows.map(({ step, loss, gradNorm, lr }) => ({ step, loss, gradNorm, lr })),
    results: [
      ...result("pretrained", pretrained),
      ...result("untrained", untrained),
      { contender: "pixels", probe: "knn", top1: accuracyOf(pixels) },
    ],
    gains: (["knn", "linear"] as const).map((probe) => ({
      probe,
      difference: gainOf(pretrained[probe], untrained[probe]),
    })),
    chance: guessLevels(sets.train.labels, sets.test.labels, sets.train.classes.length).chance,
    timing: { ...clock.timing(), imagesPerSecond: rows.at(-1)!.imagesPerSecond },
  };
  await save(folder, trainer, report, pictures);
  announce(folder, report);
  printResult(flags.json, {
    command: "start",
    report: folder.file("report.html"),
    results: report.results,
    gains: report.gains,
    chance: report.chance,
    loss: rows.at(-1)!.loss,
    seconds: report.timing.totalSeconds,
    adapter: report.adapter.description,
  });
  device.destroy();
}

/** The folder, made if need be. Refuses now what would fail after minutes of work, and never replaces another run. */
async function outFolder(path: string): Promise<RunFolder> {
  const folder = await RunFolder.at(path);
  if ((await folder.hasCheckpoint()) && (await kindOf(folder.file("report.json"))) === null) {
    throw new UsageError(`${path} holds a run of \`partwise pretrain\`: name another --out`);
  }
  await folder.make();
  await access(path, constants.W_OK).catch((error) => Promise.reject(explain(path, error)));
  return folder;
}

/** The paper's run but for the recipe. */
const settingsOf = ({ steps, batch, seed }: StartFlags, images: ImageSet): RunSettings =>
  runSettings({
    method: "mae",
    recipe: "paper",
    model: MODEL,
    data: descriptionOf(images),
    seed,
    batchSize: batch,
    totalSteps: steps,
    baseRate: RECIPE.baseRate,
    warmupSteps: Math.round(steps * RECIPE.warmup),
    config: RECIPE.config,
  });

async function prepare(flags: StartFlags, images: ImageSet): Promise<Trainer> {
  const device = await openTuned({ tune: flags.tune });
  return asUsage(async () => {
    const settings = settingsOf(flags, images);
    await planOrRefuse(device, settings);
    const trainer = new Trainer(device, settings, await DeviceImages.upload(device, images));
    await trainer.prepare();
    await device.finish();
    return trainer;
  });
}

/** Trains to the last step -> every step's metrics. */
async function pretrain(trainer: Trainer, show: (text: string) => void): Promise<ProgressRow[]> {
  const { totalSteps } = trainer.settings;
  const rows: ProgressRow[] = [];
  await train(trainer, {
    now: () => performance.now(),
    onProgress(row) {
      rows.push(row);
      const { step, loss, imagesPerSecond, secondsLeft } = row;
      show(
        `step ${step + 1}/${totalSteps}  loss ${loss.toFixed(4)}  ${imagesPerSecond.toFixed(0)} images/s  ` +
          `${duration(secondsLeft)} left`,
      );
    },
    pause: () => new Promise((resolve) => setImmediate(resolve)),
  });
  return rows;
}

function adapterOf({ info, capabilities }: Device): AdapterReport {
  return {
    description: info.description,
    vendor: info.vendor,
    architecture: info.architecture,
    backend: backendName(),
    software: isSoftware(info),
    subgroupSize: capabilities.subgroupSize,
  };
}

const commandOf = ({ steps, batch, seed, train, test, probeEpochs }: StartFlags): string =>
  `npm start -- --steps ${steps} --batch ${batch} --seed ${seed} --train ${train} --test ${test} --probe-epochs ${probeEpochs}`;

/** Everything is known by now: the files of an earlier start are replaced one right after the other, the page last. */
async function save(
  folder: RunFolder,
  trainer: Trainer,
  report: StartReport,
  pictures: readonly PictureRow[],
): Promise<void> {
  const page = startPage(report, pictures);
  await folder.save(trainer);
  await writeAtomic(
    folder.file("metrics.jsonl"),
    report.metrics.map((row) => `${JSON.stringify(row)}\n`).join(""),
  );
  await writeAtomic(folder.file("report.json"), `${JSON.stringify(report, null, 2)}\n`);
  await writeAtomic(folder.file("report.html"), page);
}

/** The outcome in a few lines, the report's name last. */
function announce(folder: RunFolder, { results, gains, chance, timing }: StartReport): void {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(7);
  const names = { pretrained: "MAE-pretrained", untrained: "untrained", pixels: "raw pixels" };
  printLine(`\n${"top-1 on species".padEnd(18)}   k-NN  linear`);
  for (const contender of ["pretrained", "untrained", "pixels"] as const) {
    const cells = (["knn", "linear"] as const).map((probe) => {
      const found = results.find((r) => r.contender === contender && r.probe === probe);
      return found ? percent(found.top1) : "–".padStart(7);
    });
    printLine(`${names[contender].padEnd(16)}${cells.join(" ")}`);
  }
  printLine(`${"guessing".padEnd(16)}${percent(chance)} ${percent(chance)}`);
  for (const gain of gains) printLine(sentenceOf(gain));
  printLine(`done in ${duration(timing.totalSeconds)}; the report is ${folder.file("report.html")}`);
}
