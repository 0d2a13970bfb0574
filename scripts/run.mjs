// Runs the tools of this repository with their output on the terminal, one after another or beside each other.
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const TOOLS = {
  tsc: "node_modules/typescript/bin/tsc",
  biome: "node_modules/@biomejs/biome/bin/biome",
  vitest: "node_modules/vitest/vitest.mjs",
};

/**
 * Runs a script of the checkout under Node. Returns its exit status, 1 if a signal ended it.
 * @param {string} script path from the repository root
 * @param {string[]} args
 */
export function node(script, ...args) {
  return spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: "inherit" }).status ?? 1;
}

/**
 * Runs npm in a folder: the one that runs this script, or the one on the PATH. Returns its exit status, 1 if a signal ended it.
 * @param {string} cwd
 * @param {string[]} args
 */
export function npm(cwd, ...args) {
  const script = process.env.npm_execpath;
  const run = script
    ? spawnSync(process.execPath, [script, ...args], { cwd, stdio: "inherit" })
    : spawnSync("npm", args, { cwd, stdio: "inherit", shell: process.platform === "win32" });
  return run.status ?? 1;
}

/**
 * Runs one of the installed tools. Returns its exit status.
 * @param {keyof typeof TOOLS} tool
 * @param {string[]} args
 */
export const tool = (tool, ...args) => node(TOOLS[tool], ...args);

/**
 * Runs one of the installed tools beside what else runs; its output comes by lines, as through a pipe. Gives its exit
 * status, 1 if a signal ended it.
 * @param {keyof typeof TOOLS} tool
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export function aside(tool, ...args) {
  const child = spawn(process.execPath, [TOOLS[tool], ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });
  return new Promise((resolve) => child.on("close", (status) => resolve(status ?? 1)));
}
