/** The versions of what computes: a result belongs to them. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package that a file belongs to: the nearest above it with a package.json. */
function packageOf(file: string): string {
  const folder = dirname(file);
  if (existsSync(join(folder, "package.json"))) return folder;
  if (dirname(folder) === folder) throw new Error(`${file}: must belong to a package; found no package.json`);
  return packageOf(folder);
}

const versionOf = (file: string): string =>
  (JSON.parse(readFileSync(join(packageOf(file), "package.json"), "utf8")) as { version: string }).version;

/** A file of this package, by its path from the package's folder. */
export const ownFile = (path: string): string => join(packageOf(fileURLToPath(import.meta.url)), path);

/** This package's version. */
export const ownVersion = (): string => versionOf(fileURLToPath(import.meta.url));

/** Dawn's, by the package that brings it. */
export const dawnVersion = (): string => versionOf(createRequire(import.meta.url).resolve("webgpu"));

/** What a result belongs to. */
export interface Versions {
  partwise: string;
  /** The commit that the program was built from; null where that is not known. */
  commit: string | null;
  node: string;
  /** Of the package `webgpu`. */
  dawn: string;
}

export const versions = (): Versions => ({
  partwise: ownVersion(),
  commit: process.env.PARTWISE_COMMIT || null, // the bundle has it instead of this name
  node: process.version,
  dawn: dawnVersion(),
});
