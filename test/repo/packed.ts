/** A project that has installed the library: what `npm pack` makes of a fresh build, unpacked where packages lie. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { root } from "./files.ts";

/** Packages of this checkout that a project may have beside the library. */
const BESIDE = ["@webgpu", "@types", "undici-types"];

/** Builds, packs and installs for a test file; gives the project's folder. */
export function withPackedProject(): { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "partwise-packed-"));
  beforeAll(() => {
    const [source, packages] = [join(folder, "source"), join(folder, "node_modules")];
    for (const path of [source, packages]) mkdirSync(path);
    execFileSync(process.execPath, ["scripts/build.mjs", join(source, "dist")], { cwd: root });
    for (const name of ["package.json", "README.md", "LICENSE", "CHANGELOG.md"]) {
      cpSync(join(root, name), join(source, name));
    }
    cpSync(join(root, "studies"), join(source, "studies"), { recursive: true });
    execFileSync("npm", ["pack", "--ignore-scripts", "--silent"], {
      cwd: source,
      shell: process.platform === "win32",
    });
    const tarball = readdirSync(source).find((name) => name.endsWith(".tgz"))!;
    execFileSync("tar", ["-xzf", tarball], { cwd: source });
    cpSync(join(source, "package"), join(packages, "partwise"), { recursive: true });
    for (const name of BESIDE)
      cpSync(join(root, "node_modules", name), join(packages, name), { recursive: true });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { folder };
}
