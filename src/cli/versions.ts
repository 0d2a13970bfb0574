/** The versions of what computes: a result belongs to them. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The version of the package that a file belongs to, by the nearest package.json above it. */
function versionOf(file: string): string {
  const folder = dirname(file);
  const found = join(folder, "package.json");
  if (existsSync(found)) return (JSON.parse(readFileSync(found, "utf8")) as { version: string }).version;
  if (dirname(folder) === folder) throw new Error(`${file}: must belong to a package; found no package.json`);
  return versionOf(folder);
}

/** This package's version. */
export const ownVersion = (): string => versionOf(fileURLToPath(import.meta.url));

/** Dawn's, by the package that brings it. */
export const dawnVersion = (): string => versionOf(createRequire(import.meta.url).resolve("webgpu"));
