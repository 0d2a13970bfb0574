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
