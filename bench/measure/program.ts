// The frame of every bench program: options, progress, one sentence for an error, a clean end.

/** A wrong command line: the program ends with status 2. */
export class UsageError extends Error {}

/** Options that every bench has. */
export const OPTIONS = {
  json: { type: "boolean", default: false },
  save: { type: "boolean", default: false },
  name: { type: "string" },
  repeats: { type: "string" },
  warmup: { type: "string" },
} as const;

/** What `parse` makes of the command line; an error of it is a wrong command line. */
export function commandLine<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A whole number of at least `least` given as text, or the default. */
export function wholeNumber(name: string, text: string | undefined, fallback: number, least = 1): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new UsageError(`--${name} must be a whole number of at least ${least}; got ${text}`);
  }
  return value;
}

/** Says on stderr what is being done, so that stdout holds results alone. */
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Prints results. */
export const print = (text = ""): void => void process.stdout.write(`${text}\n`);

/** Runs a bench program to its end and ends the process, which Dawn would keep alive. */
export async function program(name: string, run: () => Promise<void>): Promise<never> {
  let status = 0;
  try {
    await run();
  } catch (error) {
    status = error instanceof UsageError ? 2 : 1;
    const text = error instanceof UsageError ? error.message : ((error as Error).stack ?? String(error));
    process.stderr.write(`${name}: ${text}\n`);
  }
  await new Promise<void>((done) => process.stdout.write("", () => done()));
  process.exit(status);
}
