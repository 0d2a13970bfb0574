import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "./errors.ts";

/** Largest file that is read into memory at once: 2 GiB, Node's own bound. */
export const MOST_BYTES = 2 ** 31 - 1;

/** What the system's error codes mean to a reader. */
const REASONS: Record<string, string> = {
  ENOENT: "it does not exist",
  EACCES: "it may not be opened (permissions)",
  EPERM: "it may not be opened (permissions)",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "part of its path is a file, not a folder",
  ELOOP: "its symbolic links run in a circle",
  EROFS: "its disk is read-only",
  ENAMETOOLONG: "its name is too long",
};

/** And what went wrong while the program ran, through no fault of the path. */
const MISHAPS: Record<string, string> = {
  ENOSPC: "its disk is full",
  EDQUOT: "its disk has no room left for this user (quota)",
  EFBIG: "the system allows no file as large",
  EIO: "its disk fails to read or write",
};

/** A system error about a path as one clause, a `UsageError` where the path is to blame; other errors unchanged. */
export function explain(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const reason = REASONS[code];
  if (reason !== undefined) return new UsageError(`${path}: ${reason}`, { cause: error });
  return new Error(`${path}: ${MISHAPS[code] ?? `the system refuses it (${code})`}`, { cause: error });
}

/** "file", "folder", "other" (a device, a pipe) or null where nothing is. */
export async function kindOf(path: string): Promise<"file" | "folder" | "other" | null> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? "file" : "other";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw explain(path, error);
  }
}

/** A whole file. Throws a `UsageError` where it is missing, not a plain file, or larger than `most` bytes. */
export async function readBytes(path: string, most = MOST_BYTES): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new UsageError(`${path}: must be a plain file`);
    if (found.size > most) {
      throw new UsageError(`${path}: must have at most ${most} bytes; got ${found.size}`);
    }
    return await readFile(path);
  } catch (error) {
    throw explain(path, error);
  }
}

/** The name of a file that is not whole yet: its writer's process and call follow its own. */
const temporaryFor = (path: string): string => `${path}.${process.pid}.${randomUUID()}.tmp`;
const TEMPORARY = /\.\d+\.[0-9a-f-]{36}\.tmp$/;

/**
 * Writes a file so that a reader, or a run killed at any moment, finds the old one or the new one and nothing between:
 * to a name of its own in the same folder, flushed to the disk, then renamed; of several writers the last one's stays.
 * Contents may come in pieces.
 */
export async function writeAtomic(
  path: string,
  contents: Uint8Array | string | AsyncIterable<Uint8Array | string>,
): Promise<void> {
  const temporary = temporaryFor(path);
  const file = await open(temporary, "wx").catch((error) => Promise.reject(explain(path, error)));
  try {
    try {
      await writeFile(file, contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw explain(path, error);
  }
}

/** Removes what a writer that was killed has left in a folder, where nobody else may be writing. */
export async function removeTemporary(folder: string): Promise<void> {
  try {
    const left = (await readdir(folder)).filter((name) => TEMPORARY.test(name));
    for (const name of left) await rm(join(folder, name), { force: true });
  } catch (error) {
    throw explain(folder, error);
  }
}

/**
 * Makes a folder and those above it, unless they are there. (Node's own `recursive` never returns where the system lets nobody
 * make one, as in /proc, and takes a read-only disk for a missing folder.)
 */
export async function makeFolder(path: string): Promise<void> {
  const whole = resolve(path);
  const above = dirname(whole);
  try {
    if ((await kindOf(above)) === null) await makeFolder(above);
    await mkdir(whole);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw refusal(path, error);
    if ((await kindOf(whole)) !== "folder") throw new UsageError(`${path}: it is a file, not a folder`);
  }
}

/** Tells before the work that a file cannot be written, a `UsageError`; one that is there keeps its contents. */
export async function checkFile(path: string): Promise<void> {
  const kind = await kindOf(path);
  if (kind === "folder") throw new UsageError(`${path}: it is a folder, not a file`);
  if (kind === "other") return; // a device or a pipe: there is nothing beside it
  await makeAndRemove(temporaryFor(path)).catch((error) => Promise.reject(explain(path, error)));
}

async function makeAndRemove(path: string): Promise<void> {
  const file = await open(path, "wx");
  await file.close();
  await rm(path, { force: true }); // a run that takes the folder clears it
}

/** Tells before the work that a folder cannot be made, or written to, a `UsageError`; of what is not there nothing stays. */
export async function checkFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); (await kindOf(at)) === null; at = dirname(at)) missing.push(at);
  try {
    await makeFolder(path);
    await makeAndRemove(temporaryFor(join(path, "check"))).catch((error) =>
      Promise.reject(refusal(path, error)),
    );
  } finally {
    for (const folder of missing) await rmdir(folder).catch(() => undefined); // not made, or in use by now
  }
}

/** Why nothing can be made at a path although what is above it is there. */
const refusal = (path: string, error: unknown): unknown =>
  (error as NodeJS.ErrnoException).code === "ENOENT"
    ? new UsageError(`${path}: the system lets nobody write there`, { cause: error })
    : explain(path, error);

/** The last part of a path, also of `folder/` and `.`. */
export const nameOf = (path: string): string => basename(resolve(path));
