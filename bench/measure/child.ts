// Other programs as children: the last line of their output is JSON, and the answer.
import { type ChildProcess, spawn } from "node:child_process";

/** How a child ended. */
export interface Ended {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  /** Whether it was killed because its time was over. */
  late: boolean;
  stdout: string;
  stderr: string;
}

export interface ChildOptions {
  /** Added to the environment. */
  env?: Readonly<Record<string, string>>;
  /** After this long it is killed, with all the processes it has started. */
  limitMs?: number;
}

/** Runs a program to its end. Rejects if it cannot be started. */
export async function runChild(
  command: string,
  args: readonly string[],
  { env = {}, limitMs }: ChildOptions = {},
): Promise<Ended> {
  const limited = limitMs !== undefined;
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: limited && process.platform !== "win32", // a process group of its own
  });
  const ended: Ended = { status: null, late: false, stdout: "", stderr: "" };
  child.stdout.on("data", (data) => (ended.stdout += data));
  child.stderr.on("data", (data) => (ended.stderr += data));
  const interrupted = () => {
    killGroup(child);
    process.exit(130);
  };
  const late = () => {
    ended.late = true;
    killGroup(child);
  };
  const timer = limited ? setTimeout(late, limitMs) : undefined;
  if (limited) for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, interrupted);
  try {
    ended.status = await new Promise<number | null>((done, failed) => {
      child.on("error", failed);
      child.on("close", done);
    });
  } finally {
    clearTimeout(timer);
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, interrupted);
  }
  return ended;
}

/** Kills a child that leads a process group, and the group. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has just ended by itself
  }
}

/** The JSON of the last line that a child printed. Throws, with what it said, if it did not end well. */
export function answerOf<T>(name: string, { status, late, stdout, stderr }: Ended): T {
  if (late) throw new Error(`${name}: stopped because its time was over, after "${lastWords(stderr)}"`);
  if (status !== 0) throw new Error(`${name}: must end with status 0; got ${status}: ${lastWords(stderr)}`);
  const last = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(last) as T;
  } catch (cause) {
    throw new Error(`${name}: the last line must be JSON; got "${last.slice(0, 80)}"`, { cause });
  }
}

/** What a program said last on stderr: its error without the stack, or its last line. Dawn's warnings do not count. */
export function lastWords(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() && !/^(Warning:|\s+at )/.test(line));
  const error = lines.findLast((line) => /^\w+: \w*Error: /.test(line));
  return (error?.replace(/^\w+: \w*Error: /, "") ?? lines.at(-1) ?? "").trim();
}
