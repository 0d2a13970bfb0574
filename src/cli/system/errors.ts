import { CommanderError } from "commander";
import { LimitError } from "../../engine/gpu/memory.ts";

/** The command line or a file it names is wrong: one sentence for the person who typed it, exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * Runs what judges the user's input (settings, files, sizes): what it throws about them becomes a `UsageError` with the
 * same sentence. Faults of the program itself (TypeError and the like, and what Node gives a code) pass unchanged.
 */
export async function asUsage<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (isOutOfMemory(error)) {
      throw new UsageError(
        "the pictures or the model do not fit this machine's memory; use fewer or smaller ones",
        {
          cause: error,
        },
      );
    }
    if (error instanceof LimitError || isSentence(error)) {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}

/** An array was asked for that is larger than memory, or than any may be; one of a negative length is a fault. */
const isOutOfMemory = (error: unknown): boolean =>
  error instanceof RangeError && /allocation failed|^Invalid typed array length: \d+$/.test(error.message);

/** Written here, for a person. */
const isSentence = (error: unknown): error is Error =>
  error instanceof Error && error.constructor === Error && !("code" in error);

/** 0 for help and version, 2 for misuse, 1 for what went wrong while running. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof UsageError ? 2 : 1;
}

/** The sentence on stderr, on one line. With PARTWISE_DEBUG set the stack follows. */
export function sentenceOf(error: unknown): string {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const line = message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .trim();
  const sentence = /[.!?)]$/.test(line) ? line : `${line}.`;
  return process.env.PARTWISE_DEBUG ? `${sentence}\n${stack}` : sentence;
}
