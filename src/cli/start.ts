import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import type { MethodName } from "../models/methods.ts";
import { vitConfig } from "../models/vit.ts";
import { type CellPictures, type CellResult, runCell } from "../study/cell.ts";
import { type Cell, cellsOf, type StudyPlan } from "../study/plan.ts";
import { maeConfigOfRun } from "../train/run.ts";
import type { Trainer } from "../train/trainer.ts";
import { path, seed, whole } from "./arguments.ts";
import { isSoftware } from "./dawn.ts";
import { asUsage, UsageError } from "./errors.ts";
import { explain, kindOf, writeAtomic } from "./files.ts";
import { printLine, printResult } from "./output.ts";
import { duration } from "./progress.ts";
import { adapterOf, picturesOf, trainingsOf } from "./report/circumstances.ts";
import type { ReportPictures, StartReport } from "./report/data.ts";
import { crossingsOf, scoresOf } from "./report/findings.ts";
import { startPage } from "./report/page.ts";
import { completedPictures, cutPictures } from "./report/pictures.ts";
import { SHOWN_PROBES, terminalTable } from "./report/scoreTable.ts";
import { Stages } from "./report/stages.ts";
import { crossingSentence, nameOf } from "./report/words.ts";
import { RunFolder } from "./runFolder.ts";
import { cellPictures } from "./studyPictures.ts";
import { NO_TUNE, openTuned } from "./tuningCache.ts";
import { versions } from "./versions.ts";

/** The flags of `partwise start` as commander gives them. */
export interface StartFlags {
  out: string;
  /** Pictures that each method sees. */
  pictures: number;
  train: number;
  test: number;
  parts: number;
  probeEpochs: number;
  seed: number;
  tune: boolean;
  json?: boolean;
}

/**
 * What is compared. Small batches, since a short run needs updates more than pictures. Supervised training sees colours as they are and
 * most of each picture: the label is mostly the coat's, and a short run has no time to see through strong changes.
 */
const METHODS = {
  supervised: { batch: 32, config: { jitterProb: 0, cropScale: [0.7, 1] } },
  mae: { batch: 32 },
} as const satisfies StudyPlan["methods"];

const SET = "creatures-coat";
/** What the table and the verdict read of every encoder, as the papers do; the page has the patches' mean, too. */
const READING = "cls";
/** Labelled pictures that probes learn from, of those that are trained on. */
const PROBED = 1000;
/** Pictures that the page shows. */
const SHOWN = { cut: 4, completed: 8 };

const AFTER = `
DIR then holds report.html, report.json and a folder for each method with checkpoint.safetensors, which \`partwise eval\` reads;
what an earlier start left there is replaced once all of the new one is there.

Examples:
  partwise start
  partwise start --pictures 50000 --train 20000 --seed 1 --out out/longer`;

/** `partwise start`: the main job. */
export const startCommand = (): Command =>
  new Command("start")
    .description(
      `Train small encoders by ${Object.keys(METHODS).join(" and ")} on the built-in pictures, measure what each knows about ` +
        "objects and about parts, and write a report.",
    )
    .option("--out <dir>", "folder of the report", path, "out/start")
    .option("--pictures <n>", "pictures that each method sees", whole(1), 6400)
    .option("--train <n>", "pictures to train on", whole(2), 4000)
    .option("--test <n>", "pictures to test on", whole(2), 1000)
    .option("--parts <n>", "pictures of either split whose parts are cut out", whole(2), 300)
    .option("--probe-epochs <n>", "epochs of the linear probe", whole(1), 30)
    .option("--seed <n>", "of first values, order, crops, masks and probes", seed, 0)
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON")
    .addHelpText("after", AFTER)
    .action(start);

/** Runs the main job: draws, trains each method, measures it beside two floors, writes the report. */
export async function start(flags: StartFlags): Promise<void> {
  const plan = planOf(flags);
  const folders = await outFolders(flags.out, Object.keys(plan.methods) as MethodName[]);
  try {
    await startIn(folders, flags, plan);
  } finally {
    for (const folder of [folders.report, ...folders.runs.values()]) folder.close();
  }
}

/** The job as a study of one set and one seed. */
const planOf = ({ pictures, train, test, parts, probeEpochs, seed }: StartFlags): StudyPlan => ({
  name: "start",
  model: "vit_micro_patch4_32",
  pictures,
  seeds: [seed],
  floorSeeds: [seed],
  data: { coat: { source: SET, train, probe: Math.min(train, PROBED), test, parts } },
  methods: METHODS,
  neighbours: 20,
  probes: ["k-NN", "linear", "retrieval"], // the attentive one reads tokens: too many for a run of minutes
  linearEpochs: probeEpochs,
  attentiveEpochs: probeEpochs,
});

async function startIn(folders: Folders, flags: StartFlags, plan: StudyPlan): Promise<void> {
  const cells = cellsOf(plan);
  const clock = new Stages(3 + cells.length);
  const { imageSize } = vitConfig(plan.model);
  const pictures = await clock.run("drawing pictures", () =>
    asUsage(() => cellPictures(null, plan.data.coat!, imageSize)),
  );
  const device = await clock.run("opening the adapter", () => openTuned({ tune: flags.tune }));
  printLine(
    `${plan.model} on ${device.info.description}${isSoftware(device.info) ? " (software adapter)" : ""}`,
  );

  const results: CellResult[] = [];
  const trainers = new Map<MethodName, Trainer>();
  for (const cell of cells) {
    const result = await clock.run(stageOf(plan, cell), () =>
      asUsage(() =>
        runCell(device, plan, cell, pictures, {
          now: () => performance.now(),
          pause: () => new Promise((resolve) => setImmediate(resolve)),
          onProgress: ({ step, loss, imagesPerSecond, secondsLeft }) =>
            clock.show(
              `step ${step + 1}  loss ${loss.toFixed(4)}  ${imagesPerSecond.toFixed(0)} pictures/s  ${duration(secondsLeft)} left`,
            ),
          trained: async (trainer) => {
            trainers.set(cell.encoder as MethodName, trainer);
          },
        }),
      ),
    );
    results.push(result);
  }
  const shown = await clock.run("completing pictures", () => shownPictures(trainers, pictures));

  const report: StartReport = {
    format: "partwise.start.2",
    finished: new Date().toISOString(),
    command: commandOf(flags),
    versions: versions(),
    adapter: adapterOf(device),
    machine: `${process.platform} ${process.arch}, ${availableParallelism()} × ${cpus()[0]?.model ?? "processor"}`,
    plan,
    pictures: picturesOf(SET, pictures),
    trainings: await trainingsOf(results, trainers),
    reading: READING,
    scores: scoresOf(results),
    crossings: crossingsOf(results, READING, ["linear", "k-NN"]),
    timing: clock.timing(),
  };
  await save(folders, trainers, report, shown);
  const { crossings, timing, adapter } = report;
  printLine(`\n${terminalTable(report)}\n`);
  for (const crossing of crossings) printLine(crossingSentence(crossing));
  printLine(`done in ${duration(timing.totalSeconds)}; the report is ${folders.report.file("report.html")}`);
  printResult(flags.json, {
    command: "start",
    report: folders.report.file("report.html"),
    scores: report.scores.filter(({ probe }) => (SHOWN_PROBES as readonly string[]).includes(probe)),
    crossings,
    seconds: timing.totalSeconds,
    adapter: adapter.description,
  });
  device.destroy();
}

/** What the terminal says while a cell is computed. */
const stageOf = ({ methods, pictures }: StudyPlan, { encoder }: Cell): string =>
  Object.hasOwn(methods, encoder)
    ? `${nameOf(encoder)}: training on ${pictures} pictures, measuring`
    : `measuring ${nameOf(encoder)}`;

/** The folder of the report, and of each run inside. */
interface Folders {
  report: RunFolder;
  runs: ReadonlyMap<MethodName, RunFolder>;
}

/** The folders, made if need be. Refuses now what would fail after minutes of work, and never replaces another run. */
async function outFolders(out: string, methods: readonly MethodName[]): Promise<Folders> {
  const report = await RunFolder.at(out);
  const runs = new Map<MethodName, RunFolder>();
  for (const method of methods) runs.set(method, await RunFolder.at(join(out, method)));
  const isOurs = (await kindOf(report.file("report.json"))) !== null;
  for (const folder of [report, ...runs.values()]) {
    if (!isOurs && (await folder.hasCheckpoint())) {
      throw new UsageError(`${folder.path} holds a run of \`partwise pretrain\`: name another --out`);
    }
  }
  for (const folder of [report, ...runs.values()]) await folder.make();
  await access(out, constants.W_OK).catch((error) => Promise.reject(explain(out, error)));
  return { report, runs };
}

/** Some test pictures with their parts, and as the methods that can complete pictures do. */
async function shownPictures(
  trainers: ReadonlyMap<MethodName, Trainer>,
  { targets }: CellPictures,
): Promise<ReportPictures> {
  const [objects, parts] = targets as [CellPictures["targets"][0], CellPictures["targets"][0]];
  const completed = [];
  for (const trainer of trainers.values()) {
    const config = maeConfigOfRun(trainer.settings);
    if (config) completed.push(...(await completedPictures(trainer, config, objects.test, SHOWN.completed)));
  }
  return { cut: cutPictures(objects.test, parts.test, SHOWN.cut), completed };
}

const commandOf = ({ pictures, train, test, parts, probeEpochs, seed }: StartFlags): string =>
  `npm start -- --pictures ${pictures} --train ${train} --test ${test} --parts ${parts} --probe-epochs ${probeEpochs} --seed ${seed}`;

/** Everything is known by now: the files of an earlier start are replaced one right after the other, the page last. */
async function save(
  { report: folder, runs }: Folders,
  trainers: ReadonlyMap<MethodName, Trainer>,
  report: StartReport,
  pictures: ReportPictures,
): Promise<void> {
  const page = startPage(report, pictures);
  for (const [method, trainer] of trainers) await runs.get(method)!.save(trainer);
  await writeAtomic(folder.file("report.json"), `${JSON.stringify(report, null, 2)}\n`);
  await writeAtomic(folder.file("report.html"), page);
}
