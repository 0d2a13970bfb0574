// Runs the tools of this repository one after another, with their output on the terminal.
import { spawnSync } from "node:child_process";
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
