// What `npm start` and `npm test` need from the machine: packages, a WebGPU adapter, and with --browser Chromium.
// Installs what is missing where it may; elsewhere stops with the command to run (exit 2, or 1 when CI=true).
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findChromium } from "./chromium.mjs";
import { npm, root } from "./run.mjs";
import { canInstall, commandFor, install } from "./system.mjs";

/** Why setup stopped, in one sentence for the person at the terminal. */
class SetupError extends Error {}

/** @param {string} line */
const say = (line) => console.log(`setup: ${line}`);

/**
 * Makes the machine ready, or prints why not and exits.
 * @param {{ gpu?: boolean, browser?: boolean }} [wanted]
 */
export function setup({ gpu = true, browser = false } = {}) {
  try {
    packages();
    if (gpu) adapter();
    if (browser) chromium();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`setup: ${error.message}`);
    process.exit(process.env.CI === "true" ? 1 : 2);
  }
}

function packages() {
  if (packagesAreCurrent()) return say("packages are installed");
  say("installing packages (npm ci)");
  if (npm(root, "ci", "--no-audit", "--no-fund") !== 0)
    throw new SetupError("npm ci failed, see above; run it again once the cause is mended.");
}

/** Whether node_modules holds what package-lock.json asks for (packages for other systems left aside). */
function packagesAreCurrent() {
  const installed = `${root}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  const want = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")).packages;
  return Object.entries(want).every(
    ([path, { version, optional }]) =>
      path === "" || (have[path] ? have[path].version === version : optional),
  );
}

function adapter() {
  let found = probe();
  const chosen = process.env.VK_DRIVER_FILES;
  if (!found && chosen) {
    throw new SetupError(
      `VK_DRIVER_FILES must name a driver Dawn accepts; got ${chosen}. Unset it or correct it.`,
    );
  }
  if (!found && canInstall) {
    say("no WebGPU adapter found, installing Mesa's software driver with apt");
    installOrStop("adapter");
    found = probe();
  }
  if (!found) throw new SetupError(`no WebGPU adapter was found; to get one, run: ${commandFor("adapter")}`);
  say(`adapter ${found.adapter} (${found.features.join(", ")})`);
}

/** @returns {{ adapter: string, features: string[] } | undefined} */
function probe() {
  const script = fileURLToPath(new URL("probe.mjs", import.meta.url));
  const run = spawnSync(process.execPath, [script], { cwd: root, encoding: "utf8", timeout: 60_000 });
  return run.status === 0 ? JSON.parse(run.stdout) : undefined;
}

function chromium() {
  let path = findChromium();
  if (!path && canInstall && !process.env.CHROMIUM) {
    say("no Chromium found, installing it with apt");
    installOrStop("browser");
    path = findChromium();
  }
  if (path) return say(`browser ${path}`);
  const chosen = process.env.CHROMIUM;
  throw new SetupError(
    chosen
      ? `CHROMIUM must name an existing file; got ${chosen}.`
      : `no Chromium was found for the browser tests; to get one, run: ${commandFor("browser")}`,
  );
}

/** @param {import("./system.mjs").Thing} thing */
function installOrStop(thing) {
  try {
    install(thing);
  } catch (error) {
    throw new SetupError(`${error instanceof Error ? error.message : error}.`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  setup({ browser: process.argv.includes("--browser") });
