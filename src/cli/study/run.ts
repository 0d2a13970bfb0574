/** One cell of a study, computed in this process and kept in its folder. */
import { join } from "node:path";
import type { Device } from "../../engine/gpu/device.ts";
import { vitConfig } from "../../models/vit.ts";
import { runCell } from "../../study/cell.ts";
import { encodeOutcomes } from "../../study/outcomes.ts";
import {
  asksFirst,
  asksPixels,
  type Cell,
  cellName,
  cellsOf,
  givenEncoder,
  isFirstRun,
  isMethod,
  isSameCell,
  isValidation,
  type StudyPlan,
} from "../../study/plan.ts";
import { encodeEncoder } from "../../train/encoderFile.ts";
import { isDrawn } from "../pictures/datasets.ts";
import { ENCODER, RunFolder } from "../runs/runFolder.ts";
import { adapterOf } from "../system/adapterReport.ts";
import { asUsage } from "../system/errors.ts";
import { readBytes, writeAtomic } from "../system/files.ts";
import { printLine, printWarning } from "../system/output.ts";
import { duration, ProgressLine } from "../system/progress.ts";
import { statusOf, stopOnSignals } from "../system/signals.ts";
import { openTuned } from "../system/tuningCache.ts";
import { versions } from "../system/versions.ts";
import { FIRST_OUTCOMES, type FinishedCell, OUTCOMES, RESULT, resultOf } from "./cell.ts";
import { cellPictures } from "./pictures.ts";
import { picturesIn } from "./pieces.ts";
import { scoresOnly, sheetsIn } from "./report/write.ts";
import { askedSheets, encoderSheets, runSheets } from "./sheets.ts";
import { openGiven, recordedFirst } from "./zooFolder.ts";

/** Where a study is, and whether kernels are those that were measured on this machine. */
interface RunOptions {
  out: string;
  tune: boolean;
}

/**
 * Computes one cell in this process, unless it is there. Its folder is this process's meanwhile: another that wants it is refused,
 * since it could say neither that the cell is there nor what has become of it.
 */
export async function runOne(plan: StudyPlan, cell: Cell, options: RunOptions): Promise<void> {
  if (await isComputed(plan, cell, options)) return;
  const folder = await RunFolder.at(join(options.out, cellName(cell)));
  const stop = stopOnSignals((signal) => process.exit(statusOf(signal))); // which gives the folder back
  try {
    await folder.make();
    if (!(await isComputed(plan, cell, options))) await compute(plan, cell, options); // another may have had it until now
  } finally {
    stop.release();
    folder.close();
  }
}

async function isComputed(plan: StudyPlan, cell: Cell, { out }: RunOptions): Promise<boolean> {
  const found = await resultOf(out, plan, cell);
  if (found) printLine(`${cellName(cell)}: computed before`);
  return found !== null;
}

async function compute(plan: StudyPlan, cell: Cell, { out, tune }: RunOptions): Promise<void> {
  const started = performance.now();
  const folder = join(out, cellName(cell));
  const same = await finishedTwin(plan, cell, out);
  if (same) {
    for (const sheet of await sheetsIn(join(out, cellName(same)))) {
      await writeAtomic(join(folder, sheet), await readBytes(join(out, cellName(same), sheet)));
    }
    await keep(folder, { ...same, ...cell, seconds: 0 });
    printLine(`${cellName(cell)}: as ${cellName(same)}`);
    return;
  }
  const { imageSize } = vitConfig(plan.model);
  const given = givenEncoder(plan, cell);
  const saved = given && (await openGiven(given, plan.model));
  const pictures = await cellPictures(picturesIn(out), plan.data[cell.data]!, imageSize, {
    validation: isValidation(cell.seed),
    pixels: asksPixels(plan),
  });
  const device: Device = await openTuned({ tune });
  const line = new ProgressLine();
  const looked = pictures.targets[0]!.test;
  const keepSheets = async (sheets: ReadonlyMap<string, Uint8Array>) => {
    for (const [name, sheet] of sheets) await writeAtomic(join(folder, `${name}.png`), sheet);
  };
  const { source, partsFrom } = plan.data[cell.data]!;
  if (cell.encoder === "pixels" && isDrawn(source) && partsFrom === undefined) {
    await keepSheets(askedSheets(pictures.targets)); // parts of a folder are of other pictures
  }
  const isFirst = isFirstRun(plan, cell); // one run of each method is looked at
  const result = await asUsage(() =>
    runCell(device, plan, cell, pictures, {
      now: () => performance.now(),
      pause: () => new Promise((resolve) => setImmediate(resolve)), // a signal gets its turn between steps
      readFirst: asksFirst(plan, cell),
      ...(saved && { saved }),
      opened: async (encoder) => {
        if (isFirst) await keepSheets(await encoderSheets(device, encoder, saved!.info.settings, looked));
      },
      trained: async (trainer) => {
        await writeAtomic(join(folder, ENCODER), await encodeEncoder(trainer));
        if (isFirst) await keepSheets(await runSheets(trainer, looked));
      },
      onWarning(sentence) {
        line.end();
        printWarning(`${cellName(cell)}: ${sentence}`);
      },
      onProgress: ({ step, loss }) => line.show(`${cellName(cell)}  step ${step}  loss ${loss.toFixed(4)}`),
    }),
  );
  line.end();
  const first = given && !result.first && (await recordedFirst(given, result.plan));
  await keep(folder, {
    ...result,
    ...(first && { first, firstRecorded: true as const }),
    adapter: adapterOf(device),
    versions: versions(),
    seconds: (performance.now() - started) / 1000,
    finished: new Date().toISOString(),
  });
  const training = result.training ? `, trained in ${duration(result.training.seconds)}` : "";
  printLine(`${cellName(cell)}: ${duration((performance.now() - started) / 1000)}${training}`);
  device.destroy();
}

/** A finished cell of another set with the numbers of this one; null where there is none. */
async function finishedTwin(plan: StudyPlan, cell: Cell, out: string): Promise<FinishedCell | null> {
  for (const other of cellsOf(plan)) {
    if (other.data === cell.data || isMethod(cell.encoder) || !isSameCell(plan, cell, other)) continue;
    const found = await resultOf(out, plan, other);
    if (found) return found;
  }
  return null;
}

/** Writes a finished cell, its result last: that says that it is finished. */
async function keep(folder: string, cell: FinishedCell): Promise<void> {
  await writeAtomic(join(folder, OUTCOMES), encodeOutcomes(cell.readouts));
  if (cell.first) await writeAtomic(join(folder, FIRST_OUTCOMES), encodeOutcomes(cell.first));
  await writeAtomic(join(folder, RESULT), `${JSON.stringify(scoresOnly(cell))}\n`);
}
