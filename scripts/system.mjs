// What differs between operating systems: how a WebGPU driver and Chromium are installed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** @typedef {"adapter" | "browser"} Thing */
/** @typedef {"debian" | "ubuntu" | "fedora" | "arch" | "linux" | "macos" | "windows"} System */

/** One command (or action) for each thing and system, shown when setup may not or cannot run it itself. */
const COMMANDS = {
  adapter: {
    debian: `sudo ${process.execPath} scripts/setup.mjs`,
    ubuntu: `sudo ${process.execPath} scripts/setup.mjs`,
    fedora: "sudo dnf install mesa-vulkan-drivers vulkan-loader",
    arch: "sudo pacman -S vulkan-swrast vulkan-icd-loader",
    linux: "install Mesa 24 or newer with its lavapipe Vulkan driver, and the Vulkan loader",
    macos: "softwareupdate --install --recommended",
    windows: "start ms-settings:windowsupdate-optionalupdates",
  },
  browser: {
    debian: `sudo ${process.execPath} scripts/setup.mjs --browser`,
    ubuntu: "sudo snap install chromium",
    fedora: "sudo dnf install chromium",
    arch: "sudo pacman -S chromium",
    linux: "install Chromium and set CHROMIUM to its path",
    macos: "brew install --cask google-chrome",
    windows: "winget install Google.Chrome",
  },
};

const osRelease = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
const field = (/** @type {string} */ name) =>
  osRelease.match(new RegExp(`^${name}="?([^"\n]*)`, "m"))?.[1] ?? "";

/** @returns {System} */
function thisSystem() {
  if (process.platform === "darwin") return "macos";
  if (process.platform === "win32") return "windows";
  const names = [field("ID"), ...field("ID_LIKE").split(" ")];
  const known = /** @type {const} */ (["ubuntu", "debian", "fedora", "arch"]);
  return known.find((name) => names.includes(name)) ?? "linux";
}

const system = thisSystem();

/**
 * The command a person should run on this system to get the thing.
 * @param {Thing} thing
 */
export const commandFor = (thing) => COMMANDS[thing][system];

/** Whether `install` may be called: Debian or Ubuntu, as root. */
export const canInstall = (system === "debian" || system === "ubuntu") && process.getuid?.() === 0;

/**
 * Installs the thing with apt. Throws with apt's last words if that fails.
 * @param {Thing} thing
 */
export function install(thing) {
  if (thing === "browser") {
    apt(["update"]);
    apt(["install", "-y", "--no-install-recommends", system === "ubuntu" ? "chromium-browser" : "chromium"]);
    return;
  }
  const backports = field("VERSION_CODENAME") === "bookworm";
  if (backports) addBackports();
  apt(["update"]);
  const release = backports ? ["-t", "bookworm-backports"] : [];
  apt(["install", "-y", "--no-install-recommends", ...release, "mesa-vulkan-drivers", "libvulkan1"]);
}

/** Debian 12's own Mesa 22.3 is refused by Dawn; its backports have a newer one, on the same mirror. */
function addBackports() {
  const targets = spawnSync("apt-get", ["indextargets", "--format", "$(SITE) $(RELEASE)"], {
    encoding: "utf8",
  });
  const lines = (targets.stdout ?? "").split("\n").map((line) => line.split(" "));
  if (lines.some(([, release]) => release === "bookworm-backports")) return;
  const mirror = lines.find(([, release]) => release === "bookworm")?.[0];
  if (!mirror) throw new Error("apt has no source for Debian bookworm to take the backports' address from");
  writeFileSync("/etc/apt/sources.list.d/bookworm-backports.list", `deb ${mirror} bookworm-backports main\n`);
}

/**
 * Runs apt-get without questions; waits up to five minutes for another apt to finish.
 * @param {string[]} args
 */
function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const deadline = Date.now() + 300_000; ; ) {
    const run = spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], { env, encoding: "utf8" });
    if (run.status === 0) return;
    const words = `${run.error?.message ?? ""}${run.stderr ?? ""}`.trim();
    if (!/Could not get lock|Unable to lock/.test(words) || Date.now() > deadline) {
      throw new Error(`apt-get ${args.join(" ")} failed: ${words.split("\n").slice(-3).join(" ")}`);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
  }
}
