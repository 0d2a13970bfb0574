/** One line for the person who runs the program. */
export const printLine = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** One line about the input on stderr, beside the result. */
export const printNote = (sentence: string): void => {
  process.stderr.write(`note: ${sentence}.\n`);
};

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

/**
 * Lets whoever reads a pipe leave (`| head -3`): what is written after that is lost, the work goes on and is saved. Other
 * faults of the two streams, a full disk behind `>`, end the program as any error does.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    });
  }
}
