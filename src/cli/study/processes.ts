/** Pieces and cells of a study as processes of this program, some at a time. */
import { type ChildProcess, spawn } from "node:child_process";
import { shareOfCores } from "../system/dawn.ts";
import { UsageError } from "../system/errors.ts";
import { flushOutput, printLine } from "../system/output.ts";
import { statusOf, stopOnSignals } from "../system/signals.ts";

/** What a process computes, in a word, and what tells it so. */
export interface Work {
  name: string;
  /** Of this program. */
  args: readonly string[];
}

/**
 * Runs this program for every item, at most `most` at a time, its output in ours; starts no more once `mayStart` says no. Goes on
 * after a failure and throws the first at the end. A signal that asks this process to end is passed on: nothing more is started,
 * and when the last has ended, so does this one, with the signal's status.
 */
export async function inProcesses(
  items: readonly Work[],
  most: number,
  mayStart: () => boolean = () => true,
): Promise<void> {
  const left = [...items];
  const failures: unknown[] = [];
  const running = new Set<ChildProcess>();
  const stop = stopOnSignals((signal) => {
    for (const child of running) child.kill(signal);
  });
  const count = Math.min(most, left.length);
  const env = { ...shareOfCores(count), ...process.env };
  const worker = async (): Promise<void> => {
    while (left.length > 0 && !stop.requested && mayStart()) {
      const { name, args } = left.shift()!;
      const child = spawn(process.execPath, [process.argv[1]!, ...args], { stdio: "inherit", env });
      running.add(child);
      await endOf(child, name).catch((error) => failures.push(error));
      running.delete(child);
    }
  };
  await Promise.all(Array.from({ length: count }, worker));
  stop.release();
  if (stop.signal !== null) await endBy(stop.signal);
  if (failures.length > 0) throw failures[0];
}

/** Waits for a process to end well. What is wrong with its input is with ours. */
function endOf(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      if (code === 0) resolve();
      else {
        const sentence = `study: ${name} ended with ${signal ?? code}; its message is above`;
        reject(code === 2 ? new UsageError(sentence) : new Error(sentence));
      }
    });
  });
}

async function endBy(signal: NodeJS.Signals): Promise<never> {
  printLine(`stopped by ${signal}; the same command goes on with what is missing`);
  await flushOutput();
  process.exit(statusOf(signal));
}
