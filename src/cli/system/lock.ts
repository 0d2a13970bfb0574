import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "./errors.ts";
import { explain } from "./files.ts";

/** Who holds a folder: a process, told from a later one of the same number by when it began. */
interface Holder {
  pid: number;
  host: string;
  /** The system's own words for it; null where it does not say. */
  began: string | null;
}

/** Between two looks at a lock that another process is taking away. */
const RETRY_MS = 2;
/** Before a lock that is not whole is taken away, unless it is another by then: somebody may be writing it. */
const HALF_MS = 100;

/** When a process began, in clock ticks since the machine did (Linux's /proc/PID/stat, field 22); null elsewhere. */
function beganAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null; // the name, in brackets, may hold spaces
  } catch {
    return null;
  }
}

function isAlive({ pid, began }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false; // EPERM: it lives, and is somebody else's
  }
  return began === null || beganAt(pid) === began;
}

/** What a lock file says; null where it is not whole. */
function holderIn(text: string): Holder | null {
  try {
    const { pid, host, began } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === "number" && typeof host === "string" ? { pid, host, began: began ?? null } : null;
  } catch {
    return null;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Makes a file that is there with its contents, so that nobody reads half of it. False where there is one. */
function appears(path: string, holder: Holder): boolean {
  const text = JSON.stringify(holder);
  const written = `${path}.${process.pid}.${randomUUID()}`;
  try {
    writeFileSync(written, text);
    try {
      linkSync(written, path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw error;
      writeFileSync(path, text, { flag: "wx" }); // a disk without hard links, as exFAT: half of it may be read for a moment
    } finally {
      rmSync(written);
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw explain(path, error);
  }
}

/**
 * Takes a file as a lock for this process, to its end or until the returned function gives it back. The lock of a process that has ended, or that
 * was never written whole, is taken over. Throws a `UsageError` while another process holds it; on another host nobody can
 * tell whether that one has ended.
 */
export async function lock(path: string): Promise<() => void> {
  const mine: Holder = { pid: process.pid, host: hostname(), began: beganAt(process.pid) };
  for (;;) {
    // Nothing waits between the lock and its release, so that no signal's listener ends this process with one and not the other.
    if (appears(path, mine)) {
      const release = (): void => {
        process.off("exit", release);
        rmSync(path, { force: true });
      };
      process.once("exit", release);
      return release;
    }
    const text = await readFile(path, "utf8").catch(() => "");
    const holder = holderIn(text);
    if (holder && holder.host !== mine.host) {
      throw new UsageError(
        `${path}: must be free; process ${holder.pid} on ${holder.host} has it. If that one has ended, delete the file`,
      );
    }
    if (holder && isAlive(holder)) {
      throw new UsageError(
        `${path}: must be free; process ${holder.pid} has it. Wait for that run, or name another --out`,
      );
    }
    if (!holder) await sleep(HALF_MS);
    await discard(path, text, mine);
  }
}

/**
 * Takes a lock of nobody's away, unless somebody has by now. One process at a time may: between reading a lock and removing it
 * another could remove it too, and take it. All of it at once, so that no signal ends the process in between.
 */
async function discard(path: string, text: string, mine: Holder): Promise<void> {
  const turn = `${path}.turn`;
  if (!appears(turn, mine)) {
    const holder = holderIn(await readFile(turn, "utf8").catch(() => ""));
    if (holder?.host === mine.host && !isAlive(holder)) rmSync(turn, { force: true });
    await sleep(RETRY_MS);
    return;
  }
  try {
    if (readFileSync(path, "utf8") === text) rmSync(path);
  } catch {
    // another has taken it away
  } finally {
    rmSync(turn);
  }
}
