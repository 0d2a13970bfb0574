import { explain } from "./files.ts";
import { endOpenLine } from "./progress.ts";

/** Everything that is printed goes through here: a line of progress that is not ended yet is ended first. */
function write(stream: NodeJS.WriteStream, line: string): void {
  endOpenLine();
  stream.write(`${line}\n`);
}

/** One line for the person who runs the program. */
export const printLine = (line: string): void => write(process.stdout, line);

/** One line about the input on stderr, beside the result. */
export const printNote = (sentence: string): void => write(process.stderr, `note: ${sentence}.`);

/** One line on stderr about a run that goes on though something is wrong with it. */
export const printWarning = (sentence: string): void => write(process.stderr, `warning: ${sentence}.`);

/** One line on stderr in the program's own name: why it ends, or what it does not use. */
export const printError = (sentence: string): void => write(process.stderr, `partwise: ${sentence}`);

/** The result as one line of JSON, the last of the output, if asked for. */
export function printResult(wanted: boolean | undefined, result: Record<string, unknown>): void {
  if (wanted) printLine(JSON.stringify(result));
}

/** Resolves when everything written so far has left the process. */
export const flushOutput = async (): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write("", () => resolve()));
  }
};

/** What a stream says whose reader has left, or whose terminal was closed. */
const LEFT: readonly (string | undefined)[] = ["EPIPE", "ECONNRESET", "EIO", "ERR_STREAM_DESTROYED"];
let lost: NodeJS.ErrnoException | null = null;

/**
 * Lets whoever reads stdout or stderr leave (`| head -3`), and the disk behind `>` fill up: what is written after that is
 * lost, the work goes on and is saved.
 */
export function outliveReaders(): void {
  process.stderr.on("error", () => undefined); // there is nowhere to tell it
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!LEFT.includes(error.code)) lost ??= error;
  });
}

/** Throws if a part of the output was lost to anything but a reader who left. */
export function checkOutput(): void {
  if (lost) throw explain("stdout", lost);
}
