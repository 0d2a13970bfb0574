import { join } from "node:path";
import { Command, Option } from "commander";
import { vitConfig } from "../models/vit.ts";
import { cellName, cellsOf, type StudyPlan } from "../study/plan.ts";
import { path, whole } from "./options/arguments.ts";
import { resultOf } from "./study/cell.ts";
import { PRESETS, readStudy } from "./study/file.ts";
import { keepDigests } from "./study/folderDigests.ts";
import { checkFolders } from "./study/pictures.ts";
import { allPieces, drawPiece, missingPieces, picturesIn } from "./study/pieces.ts";
import { inProcesses } from "./study/processes.ts";
import { deviationSentence } from "./study/report/given.ts";
import { writeReport } from "./study/report/write.ts";
import { runOne } from "./study/run.ts";
import { studyText } from "./study/table.ts";
import { openGiven } from "./study/zooFolder.ts";
import { asUsage, UsageError } from "./system/errors.ts";
import { makeFolder } from "./system/files.ts";
import { printLine } from "./system/output.ts";
import { duration } from "./system/progress.ts";
import { commandLine } from "./system/shell.ts";
import { NO_TUNE } from "./system/tuningCache.ts";

interface StudyFlags {
  out: string;
  jobs: number;
  cell?: number;
  piece?: number;
  minutes?: number;
  set?: string;
  only?: (typeof ONLY)[number];
  data?: string;
  partsFrom?: string;
  first?: true;
  tune: boolean;
}

/** What may be asked for alone, for programs that compute the cells elsewhere. */
const ONLY = ["list", "pictures", "report"] as const;

const EXAMPLES = `
Examples:
  partwise study studies/methods.yaml --out runs/methods --jobs 2
  partwise study small --out runs/small --jobs 2                       five seeds of eight methods: hours on a GPU
  partwise study paper --out runs/paper --data imagenet --parts-from CUB_200_2011
  partwise study studies/segmentation.yaml --out runs/segmentation     the object and the part that every pixel shows
  partwise study small --out runs/small --only list                    the cells with their numbers
  partwise study small --out runs/small --cell 7                       one cell, for a cluster's own scheduler (docs/clusters.md)

Every cell is a folder with result.json, outcomes.safetensors (the scores of each picture) and its encoder; a study that was
stopped goes on with the cells that are missing. Results are never mixed: where the file asks of a cell that is there what it
was not computed by, the study names it and ends, with exit code 2. Delete that folder and the cell is computed again.
At the end report.html shows what was found, report.json holds every number, table.csv and verdicts.csv the tables.`;

/** `partwise study`. */
export function studyCommand(): Command {
  return new Command("study")
    .description(
      "Pretrain by several methods on several sets, and compare what they know about objects and parts.",
    )
    .argument("<file>", `what to train and measure, YAML, or ${PRESETS.join(", ")}`, path)
    .requiredOption("--out <dir>", "folder of the study", path)
    .option("--jobs <n>", "processes that share the adapter", whole(1), 1)
    .option("--set <name>", "this set of the study alone, in the report, too; --cell counts within it")
    .addOption(
      new Option("--cell <k>", "this cell alone, counted from 0")
        .argParser(whole(0))
        .conflicts(["piece", "only", "jobs", "minutes"]),
    )
    .addOption(
      new Option("--piece <k>", "draw this piece of the pictures alone, counted from 0")
        .argParser(whole(0))
        .conflicts(["only", "jobs", "minutes"]),
    )
    .addOption(
      new Option(
        "--only <what>",
        "name the cells, draw the pictures, or write the report, and no more",
      ).choices(ONLY),
    )
    .option("--data <dir>", "folder of pictures, for a set that names none", path)
    .option("--parts-from <dir>", "folder of annotated pictures for the same set", path)
    .option("--first", "measure single runs before their first step, too, where the file goes without")
    .option("--minutes <n>", "start no cell after this long", whole(1))
    .option(...NO_TUNE)
    .addHelpText("after", EXAMPLES)
    .action(study);
}

async function study(file: string, flags: StudyFlags): Promise<void> {
  const isPart = flags.cell !== undefined || flags.piece !== undefined; // of a study that has said all there is to say
  const plan = await readStudy(file, { ...flags, ...(isPart && { note: () => {} }) });
  const { imageSize } = await asUsage(() => vitConfig(plan.model));
  const cells = cellsOf(plan);
  const pieces = allPieces(plan, imageSize);
  if (flags.piece !== undefined) {
    await drawPiece(picturesIn(flags.out), chosen(pieces, flags.piece, "--piece"));
    return;
  }
  if (flags.cell !== undefined) {
    await runOne(plan, chosen(cells, flags.cell, "--cell"), flags);
    return;
  }
  if (flags.only === "list") {
    for (const [k, cell] of cells.entries()) {
      printLine(`${k}  ${cellName(cell)}${(await resultOf(flags.out, plan, cell)) ? "  finished" : ""}`);
    }
    return;
  }
  await makeFolder(flags.out);
  if (flags.only === "report") {
    await report(file, flags, plan);
    return;
  }
  const started = performance.now();
  const inTime = () => flags.minutes === undefined || performance.now() - started < 60_000 * flags.minutes;
  const missing: number[] = [];
  for (const [k, cell] of cells.entries()) if (!(await resultOf(flags.out, plan, cell))) missing.push(k);
  if (missing.length > 0) {
    const isFinished = (set: string) => cells.some(({ data }, k) => data === set && !missing.includes(k));
    await keepDigests(flags.out, await checkFolders(plan, imageSize), isFinished);
    for (const { encoders = [] } of Object.values(plan.data)) {
      for (const given of encoders) await openGiven(given, plan.model);
    }
  }
  const again = (name: string, option: string, k: number) => ({
    name,
    args: ["study", ...argumentsOf(file, flags), option, `${k}`, ...(flags.tune ? [] : ["--no-tune"])],
  });
  const isDrawing = missing.length > 0 || flags.only === "pictures";
  const undrawn = isDrawing ? await missingPieces(picturesIn(flags.out), pieces) : [];
  await inProcesses(
    undrawn.map((k) => again(`piece ${k}`, "--piece", k)),
    flags.jobs,
  );
  if (flags.only === "pictures") return;
  printLine(`${cells.length} cells, ${missing.length} to compute`);
  try {
    await inProcesses(
      missing.map((k) => again(cellName(cells[k]!), "--cell", k)),
      flags.jobs,
      inTime,
    );
  } finally {
    await report(file, flags, plan); // of the cells there are, also where one has failed
    printLine(`done in ${duration((performance.now() - started) / 1000)}`);
  }
}

/** Writes and prints what the finished cells of a study say. */
async function report(file: string, flags: StudyFlags, plan: StudyPlan): Promise<void> {
  const { out } = flags;
  const { tables, results, missing } = await writeReport(
    out,
    plan,
    commandLine(["partwise", "study", ...argumentsOf(file, flags)]),
  );
  printLine(`\n${studyText(tables)}`);
  for (const set of Object.keys(plan.data)) {
    const given = results.filter((cell) => cell.data === set && cell.given);
    if (given.length > 0) printLine(`\n${set}: ${deviationSentence(given)}`);
  }
  if (missing.length > 0) {
    printLine(
      `\n${missing.length} of ${cellsOf(plan).length} cells are missing: the same command computes them`,
    );
  }
  printLine(`\nthe report is ${join(out, "report.html")}`);
}

/** What tells a study from another on the command line. */
const argumentsOf = (file: string, { out, set, data, partsFrom, first }: StudyFlags): string[] => [
  ...[file, "--out", out],
  ...(set === undefined ? [] : ["--set", set]),
  ...(data === undefined ? [] : ["--data", data]),
  ...(partsFrom === undefined ? [] : ["--parts-from", partsFrom]),
  ...(first ? ["--first"] : []),
];

function chosen<T>(list: readonly T[], k: number, option: string): T {
  const found = list[k];
  if (found === undefined) throw new UsageError(`${option} must be below ${list.length}; got ${k}`);
  return found;
}
