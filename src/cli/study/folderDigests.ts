/** Whether the folders of a study still hold the pictures that its finished cells were computed on. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import type { ImageSet } from "../../data/images.ts";
import type { PixelSet } from "../../data/pixelSet.ts";
import type { Items } from "../../study/targets.ts";
import { UsageError } from "../system/errors.ts";
import { kindOf, readBytes, writeAtomic } from "../system/files.ts";
import { updateInPieces } from "../system/sha256.ts";

const FILE = "folders.json";

/** What was read of a folder for a set: `key` tells it from what else the set reads. */
export interface FolderDigest {
  set: string;
  key: string;
  folder: string;
  /** SHA-256, hexadecimal. */
  digest: string;
}

/**
 * SHA-256 of pictures with their labels, as they are in memory: files may be copied and be the same, or be replaced by others of
 * their size. It costs little beside decoding them.
 */
export function digestOf(sets: readonly (ImageSet & Partial<Items & PixelSet>)[]): string {
  const hash = createHash("sha256");
  for (const set of sets) {
    const { width, height, count, classes, pixelClasses = [] } = set;
    hash.update(JSON.stringify([width, height, count, classes, pixelClasses]));
    for (const numbers of [set.pixels, set.labels, set.pictures, set.pixelLabels]) {
      if (numbers)
        updateInPieces(hash, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    }
  }
  return hash.digest("hex");
}

const stored = v.record(v.string(), v.string());

/**
 * Keeps the digests of a study's folders in its folder. Where a set has finished cells and other digests than before, a `UsageError`
 * names the folder.
 */
export async function keepDigests(
  out: string,
  found: readonly FolderDigest[],
  hasFinished: (set: string) => boolean,
): Promise<void> {
  const path = join(out, FILE);
  const before = (await kindOf(path)) === null ? {} : await storedIn(path);
  const digests = { ...before };
  for (const { set, key, folder, digest } of found) {
    const name = `${set}, ${key}`;
    if (hasFinished(set) && before[name] !== undefined && before[name] !== digest) {
      throw new UsageError(
        `${folder}: must hold the pictures that the finished cells of ${set} were computed on; it holds others now. ` +
          "Put them back, or name another --out",
      );
    }
    digests[name] = digest;
  }
  if (found.length > 0) await writeAtomic(path, `${JSON.stringify(digests, null, 1)}\n`);
}

async function storedIn(path: string): Promise<Record<string, string>> {
  const bytes = await readBytes(path);
  try {
    return v.parse(stored, JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(`${path}: is damaged: ${message}. Remove it`, { cause: error });
  }
}
