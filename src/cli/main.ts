/** The process `partwise`: what becomes of its commands, and of their errors. */
import { CommanderError } from "commander";
import { partwise } from "./program.ts";
import { exitCodeOf, sentenceOf } from "./system/errors.ts";
import { checkOutput, flushOutput, outliveReaders, printError } from "./system/output.ts";
import { endOpenLine } from "./system/progress.ts";

/** Ends the process: Dawn would keep it alive. Without an error its status is the command's, 0 unless it said another. */
async function end(error?: unknown): Promise<never> {
  if (error !== undefined) {
    const isShown = error instanceof CommanderError && error.code.startsWith("commander.help");
    process.exitCode = exitCodeOf(error);
    if (process.exitCode !== 0 && !isShown) printError(sentenceOf(error));
  }
  await flushOutput();
  process.exit();
}

outliveReaders();
process.on("exit", endOpenLine); // also where a second signal ends it
process.on("unhandledRejection", end);
process.on("uncaughtException", end);

await partwise()
  .parseAsync()
  .then(flushOutput)
  .then(checkOutput)
  .then(() => end(), end);
