/** The repository's own text files, for the tests that read the source. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Made by a build or an installation, not by us. */
const MADE = /(^|\/)(node_modules|dist)\//;

/** Paths of all files under a folder of the repository, with forward slashes; none if it does not exist. */
export function filesUnder(folder: string, ...extensions: string[]): string[] {
  const top = readdirSync(root, { withFileTypes: true });
  if (!top.some((entry) => entry.isDirectory() && entry.name === folder.split("/")[0])) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll("\\", "/"))
    .filter((path) => !MADE.test(path))
    .sort();
}

/** The text of one file, by its path from the repository root. */
export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
