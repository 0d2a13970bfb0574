/** The folder of real data sets, for the tests that read them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { TestContext } from "vitest";
import type { FolderEntry } from "../../src/data/folder.ts";

/**
 * The folder named by PARTWISE_DATA. Without it the test is left out and says why; on CI (CI=true) it fails,
 * so that a missing folder is never taken for a pass.
 */
export function dataFolder(context: TestContext): string {
  const folder = process.env.PARTWISE_DATA;
  if (folder) return folder;
  const reason = "PARTWISE_DATA must name the folder of real data sets; it is not set";
  if (process.env.CI === "true") throw new Error(`dataFolder: ${reason}. Set it, or run without CI=true.`);
  return context.skip(reason);
}

/** The files of a .tar.gz below its top folder, as a platform would list them. */
export function archiveEntries(folder: string, archive: string): FolderEntry[] {
  const tar = gunzipSync(readFileSync(join(folder, archive)));
  const text = (from: number, length: number) =>
    tar.toString("latin1", from, from + length).replace(/\0.*$/s, "");
  const entries: FolderEntry[] = [];
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const from = at + 512;
    const path = text(at, 100);
    if (!path.endsWith("/")) entries.push({ path, read: async () => tar.subarray(from, from + size) });
    at = from + Math.ceil(size / 512) * 512;
  }
  return entries;
}
