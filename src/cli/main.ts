/** The process `partwise`: what becomes of its commands, and of their errors. */
import { CommanderError } from "commander";
import { partwise } from "./program.ts";
import { exitCodeOf, sentenceOf } from "./system/errors.ts";
import { checkOutput, flushOutput, outliveReaders } from "./system/output.ts";

/** Ends the process: Dawn would keep it alive. */
async function end(error?: unknown): Promise<never> {
  const isShown = error instanceof CommanderError && error.code.startsWith("commander.help");
  const code = error === undefined ? 0 : exitCodeOf(error);
  if (code !== 0 && !isShown) process.stderr.write(`partwise: ${sentenceOf(error)}\n`);
  await flushOutput();
  process.exit(code);
}

outliveReaders();
process.on("unhandledRejection", end);
process.on("uncaughtException", end);

await partwise()
  .parseAsync()
  .then(flushOutput)
  .then(checkOutput)
  .then(() => end(), end);
