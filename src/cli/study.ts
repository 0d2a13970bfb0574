import { spawn } from "node:child_process";
import { join } from "node:path";
import { Command } from "commander";
import type { Device } from "../engine/gpu/device.ts";
import { vitConfig } from "../models/vit.ts";
import { type CellResult, runCell } from "../study/cell.ts";
import { encodeOutcomes, withoutPictures } from "../study/outcomes.ts";
import { type Cell, cellName, cellsOf, type StudyPlan } from "../study/plan.ts";
import { setTables } from "../study/setTable.ts";
import { encodeEncoder } from "../train/encoderFile.ts";
import { path, whole } from "./arguments.ts";
import { asUsage, UsageError } from "./errors.ts";
import { makeFolder, writeAtomic } from "./files.ts";
import { printLine, printWarning } from "./output.ts";
import { duration, ProgressLine } from "./progress.ts";
import { ENCODER } from "./runFolder.ts";
import { OUTCOMES, RESULT, resultOf } from "./studyCell.ts";
import { readStudy } from "./studyFile.ts";
import { allPieces, cellPictures, drawPiece } from "./studyPictures.ts";
import { studyText, tableCsv, verdictCsv } from "./studyTable.ts";
import { NO_TUNE, openTuned } from "./tuningCache.ts";

interface StudyFlags {
  out: string;
  jobs: number;
  cell?: number;
  piece?: number;
  minutes?: number;
  tune: boolean;
}

const PICTURES = "pictures";

const EXAMPLES = `
Examples:
  partwise study studies/methods.yaml --out runs/methods --jobs 2
  partwise study studies/methods.yaml --out runs/methods --cell 7      one cell, for a cluster's own scheduler

Every cell is a folder with result.json, outcomes.safetensors (the scores of each picture) and its encoder; a study that was
stopped goes on with the cells that are missing. Results are never mixed: where the file asks of a cell that is there what it
was not computed by, the study names it and ends, with exit code 2. Delete that folder and the cell is computed again.
At the end report.json holds every number, table.csv and verdicts.csv the tables.`;

/** `partwise study`. */
export function studyCommand(): Command {
  return new Command("study")
    .description(
      "Pretrain by several methods on several sets, and compare what they know about objects and parts.",
    )
    .argument("<file>", "what to train and measure, YAML", path)
    .requiredOption("--out <dir>", "folder of the study", path)
    .option("--jobs <n>", "processes that share the adapter", whole(1), 1)
    .option("--cell <k>", "this cell alone, counted from 0", whole(0))
    .option("--piece <k>", "draw this piece of the pictures alone, counted from 0", whole(0))
    .option("--minutes <n>", "start no cell after this long", whole(1))
    .option(...NO_TUNE)
    .addHelpText("after", EXAMPLES)
    .action(study);
}

async function study(file: string, flags: StudyFlags): Promise<void> {
  const plan = await readStudy(file);
  const { imageSize } = await asUsage(() => vitConfig(plan.model));
  const cells = cellsOf(plan);
  const pieces = allPieces(plan, imageSize);
  const pictures = join(flags.out, PICTURES);
  if (flags.piece !== undefined) {
    await drawPiece(pictures, chosen(pieces, flags.piece, "--piece"));
    return;
  }
  if (flags.cell !== undefined) {
    await runOne(plan, chosen(cells, flags.cell, "--cell"), flags);
    return;
  }
  await makeFolder(flags.out);
  const started = performance.now();
  const inTime = () => flags.minutes === undefined || performance.now() - started < 60_000 * flags.minutes;
  const missing: number[] = [];
  for (const [k, cell] of cells.entries()) if (!(await resultOf(flags.out, plan, cell))) missing.push(k);
  const again = (name: string, option: string, k: number) =>
    child(name, [file, "--out", flags.out, option, `${k}`, ...(flags.tune ? [] : ["--no-tune"])]);
  await inTurns(pieces.keys(), flags.jobs, (k) => again(`piece ${k}`, "--piece", k));
  printLine(`${cells.length} cells, ${missing.length} to compute`);
  try {
    await inTurns(missing, flags.jobs, async (k) => {
      if (inTime()) await again(cellName(cells[k]!), "--cell", k);
    });
  } finally {
    await report(flags.out, plan, cells); // of the cells there are, also where one has failed
  }
}

/** Writes and prints what the finished cells of a study say. */
async function report(out: string, plan: StudyPlan, cells: readonly Cell[]): Promise<void> {
  const results: CellResult[] = [];
  for (const cell of cells) {
    const found = await resultOf(out, plan, cell);
    if (found) results.push(found);
  }
  const tables = await asUsage(() => setTables(results));
  const scores = results.map(({ readouts, ...rest }) => ({
    ...rest,
    readouts: readouts.map(withoutPictures),
  }));
  const written = {
    "report.json": `${JSON.stringify({ plan, tables, results: scores }, null, 1)}\n`,
    "table.csv": tableCsv(tables),
    "verdicts.csv": verdictCsv(tables),
  };
  for (const [name, text] of Object.entries(written)) await writeAtomic(join(out, name), text);
  printLine(`\n${studyText(tables)}`);
  if (results.length < cells.length) {
    printLine(
      `\n${cells.length - results.length} of ${cells.length} cells are missing: the same command computes them`,
    );
  }
}

function chosen<T>(list: readonly T[], k: number, option: string): T {
  const found = list[k];
  if (found === undefined) throw new UsageError(`${option} must be below ${list.length}; got ${k}`);
  return found;
}

/** Computes one cell in this process, unless it is there. */
async function runOne(plan: StudyPlan, cell: Cell, { out, tune }: StudyFlags): Promise<void> {
  const started = performance.now();
  if (await resultOf(out, plan, cell)) {
    printLine(`${cellName(cell)}: computed before`);
    return;
  }
  const { imageSize } = vitConfig(plan.model);
  const pictures = await cellPictures(join(out, PICTURES), plan.data[cell.data]!, imageSize);
  const device: Device = await openTuned({ tune });
  const folder = join(out, cellName(cell));
  await makeFolder(folder);
  const line = new ProgressLine();
  const result = await asUsage(() =>
    runCell(device, plan, cell, pictures, {
      now: () => performance.now(),
      trained: async (trainer) => {
        await writeAtomic(join(folder, ENCODER), await encodeEncoder(trainer));
      },
      onWarning(sentence) {
        line.end();
        printWarning(`${cellName(cell)}: ${sentence}`);
      },
      onProgress: ({ step, loss }) => line.show(`${cellName(cell)}  step ${step}  loss ${loss.toFixed(4)}`),
    }),
  );
  line.end();
  await writeAtomic(join(folder, OUTCOMES), encodeOutcomes(result.readouts));
  const readouts = result.readouts.map(withoutPictures);
  await writeAtomic(
    join(folder, RESULT), // last: it says that the cell is finished
    `${JSON.stringify({ ...result, readouts, adapter: device.info.description })}\n`,
  );
  const training = result.training ? `, trained in ${duration(result.training.seconds)}` : "";
  printLine(`${cellName(cell)}: ${duration((performance.now() - started) / 1000)}${training}`);
  device.destroy();
}

/** Runs this program again with these arguments of `study`, its output in ours. What is wrong with its input is with ours. */
function child(name: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const started = spawn(process.execPath, [process.argv[1]!, "study", ...args], { stdio: "inherit" });
    started.on("error", reject);
    started.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else {
        const sentence = `study: ${name} ended with ${signal ?? code}; its message is above`;
        reject(code === 2 ? new UsageError(sentence) : new Error(sentence));
      }
    });
  });
}

/** Does `work` for every item, at most `most` at a time; goes on after a failure and throws the first at the end. */
async function inTurns<T>(items: Iterable<T>, most: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      await work(item).catch((error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, left.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
