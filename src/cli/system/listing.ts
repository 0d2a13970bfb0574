/** A folder of data as the readers take it: every file below, whatever encoding its name has. */
import { open, readdir, stat } from "node:fs/promises";
import { sep } from "node:path";
import { type FolderEntry, isHidden } from "../../data/folder.ts";
import { UsageError } from "./errors.ts";
import { explain } from "./files.ts";

/** A data folder is not this deep, and not this large: somebody named their home folder. */
const MOST_DEPTH = 8;
const MOST_FILES = 3_000_000;
/** Largest file: 4 GiB, what one array holds in Node 20. */
const MOST_BYTES = 2 ** 32;
/** What is asked of the system at once; it gives less than 2 GiB. */
const PIECE = 2 ** 30;
/** Bytes of a piece of a file that is not to be in memory as a whole. */
const SMALL_PIECE = 2 ** 20;

/** What lies below a folder. */
export interface Listing {
  /** Every file, folder by folder in the order of their names, links followed, hidden ones left out. */
  files: FolderEntry[];
  /** Paths that cannot be opened: links to nothing or in a circle, closed folders, pipes. */
  unopened: string[];
}

/**
 * Lists what lies below a folder. Names are taken as bytes, so that a name that is not UTF-8 can be opened, too.
 * Throws a `UsageError` where the folder itself cannot be opened, or is too deep or too large for a data set.
 */
export async function listFolder(folder: string): Promise<Listing> {
  const listing: Listing = { files: [], unopened: [] };
  await walk(folder, { full: Buffer.from(folder), path: "", above: [] }, listing).catch((error) =>
    Promise.reject(explain(folder, error)),
  );
  return listing;
}

/** A folder on the way down. */
interface Place {
  full: Buffer;
  /** Below the folder that is listed. */
  path: string;
  /** Identities of the folders above: a link that leads back to one of them is not followed. */
  above: readonly string[];
}

async function walk(folder: string, { full, path, above }: Place, listing: Listing): Promise<void> {
  if (above.length > MOST_DEPTH) {
    throw new UsageError(
      `${folder}: must be at most ${MOST_DEPTH} folders deep; got ${path}. Is it a data set?`,
    );
  }
  const opened = await Promise.all([
    stat(full),
    readdir(full, { encoding: "buffer", withFileTypes: true }),
  ]).catch((error: NodeJS.ErrnoException) =>
    path === "" || error.code === undefined ? Promise.reject(error) : null,
  );
  const identity = opened ? `${opened[0].dev}:${opened[0].ino}` : "";
  if (!opened || above.includes(identity)) {
    listing.unopened.push(path);
    return;
  }
  for (const entry of opened[1].sort((a, b) => Buffer.compare(a.name, b.name))) {
    const name = textOf(entry.name);
    if (isHidden(name)) continue;
    const inside = {
      full: Buffer.concat([full, Buffer.from(sep), entry.name]),
      path: path === "" ? name : `${path}/${name}`,
      above: [...above, identity],
    };
    const kind = entry.isSymbolicLink() ? await stat(inside.full).catch(() => entry) : entry;
    if (kind.isFile()) {
      listing.files.push({
        path: inside.path,
        read: (most) => readStart(inside.full, `${folder}/${inside.path}`, most),
        pieces: () => readPieces(inside.full, `${folder}/${inside.path}`),
      });
    } else if (kind.isDirectory()) {
      await walk(folder, inside, listing);
    } else listing.unopened.push(inside.path);
    if (listing.files.length > MOST_FILES) {
      throw new UsageError(`${folder}: must hold at most ${MOST_FILES} files. Is it a data set?`);
    }
  }
}

/** A name as text. What is not UTF-8 is shown as Latin-1, which it mostly is, so that no two names become one. */
function textOf(name: Buffer): string {
  const text = name.toString("utf8");
  return Buffer.from(text).equals(name) ? text : name.toString("latin1");
}

/** A file, or its first `most` bytes; `shown` is its name in errors. */
async function readStart(path: Buffer, shown: string, most = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const size = Math.min((await file.stat()).size, most);
      if (size > MOST_BYTES) {
        throw new UsageError(`${shown}: must have at most ${MOST_BYTES} bytes; got ${size}`);
      }
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, size - at), at);
        if (bytesRead === 0)
          throw new UsageError(`${shown}: must have ${size} bytes; got ${at}. Was it cut just now?`);
        at += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explain(shown, error);
  }
}

/** A file of any size, one piece after the other. */
async function* readPieces(path: Buffer, shown: string): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch((error) => Promise.reject(explain(shown, error)));
  try {
    for (;;) {
      const { bytesRead, buffer } = await file
        .read(new Uint8Array(SMALL_PIECE), 0, SMALL_PIECE)
        .catch((error) => Promise.reject(explain(shown, error)));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
