/** The README's quick start, walked in a fresh clone in the order in which it stands there. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, textOf } from "./files.ts";

const section = textOf("README.md")
  .split(/^## /m)
  .find((part) => part.startsWith("Quick start"))!;

interface Command {
  line: string;
  /** Said by its comment, which begins with "minutes" or "hours": not for a test. */
  takesMinutes: boolean;
}

const COMMANDS = [...section.matchAll(/^ {4}(n.+)$/gm)].map(([, text]): Command => {
  const [line, comment = ""] = text!.split(/\s+#\s+/);
  return { line: line!.trim(), takesMinutes: /^(minutes|hours)/.test(comment) };
});
/** It serves until it is ended. */
const SERVER = "npm run web";

const clone = mkdtempSync(join(tmpdir(), "partwise-clone-"));
/** Nobody's tuning decides here, and nothing is fetched; compiled shaders stay where they are. */
const env = {
  ...process.env,
  XDG_CACHE_HOME: join(clone, "cache"),
  MESA_SHADER_CACHE_DIR:
    process.env.MESA_SHADER_CACHE_DIR ?? process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  npm_config_cache: process.env.npm_config_cache ?? join(homedir(), ".npm"),
  npm_config_offline: "true",
};

const shell = (line: string) => spawnSync(line, { cwd: clone, env, shell: true, encoding: "utf8" });

beforeAll(() => {
  const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const path of listed.stdout.split("\0")) {
    if (path && existsSync(join(root, path))) cpSync(join(root, path), join(clone, path));
  }
  // Packages older than the lock would be installed anew by the clone, through the link, over those of this checkout.
  const { status } = spawnSync(process.execPath, ["scripts/setup.mjs"], { cwd: root });
  if (status !== 0) throw new Error("quick start: node scripts/setup.mjs must succeed here first");
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"), "junction");
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

test("the quick start names what it should", () => {
  const walked = COMMANDS.filter(({ takesMinutes }) => !takesMinutes).map(({ line }) => line);
  expect(walked.length).toBeGreaterThanOrEqual(6);
  expect(walked[0]).toMatch(/^npm start/);
  expect(walked).toContain("npx partwise doctor");
  expect(walked).toContain(SERVER);
});

let isBuiltAgain = false;
for (const { line, takesMinutes } of COMMANDS) {
  if (takesMinutes) {
    test(`is understood: ${line}`, () => understood(line));
  } else if (line === SERVER) {
    test(line, serves);
  } else {
    test(line, () => {
      const { status, stdout, stderr } = shell(line);
      expect(`${stderr}${status === 0 ? "" : stdout}`).not.toMatch(/Permission denied|Error|partwise: /);
      expect(status).toBe(0);
      // A build replaces the program; it must stay one that may be run.
      if (!isBuiltAgain) expect(shell("npm run build").status).toBe(0);
      isBuiltAgain = true;
    });
  }
}

/** A script of package.json, or a command of the program with options that it has. */
function understood(line: string): void {
  const [npm, ...words] = line.split(/\s+/);
  if (npm === "npm") {
    expect(JSON.parse(textOf("package.json")).scripts).toHaveProperty(words.at(-1)!);
    return;
  }
  expect(words.shift()).toBe("partwise");
  const options = words.filter((word) => word.startsWith("--"));
  const command = words.slice(0, words.indexOf(options[0]!)).filter((word) => !word.includes("/")); // no file
  const help = shell(`node dist/cli.js ${command.join(" ")} --help`);
  expect(help.stdout).toContain(`Usage: partwise ${command.join(" ")} [options]`);
  for (const option of options) expect(help.stdout).toMatch(new RegExp(`^ +${option} `, "m"));
}

/** Starts the page's server, on any free port, and asks it for the page and its program. */
async function serves(): Promise<void> {
  const server = spawn(`${SERVER} -- 0`, {
    cwd: clone,
    env,
    shell: true,
    detached: process.platform !== "win32",
  });
  try {
    const url = await urlOf(server);
    const page = await (await fetch(url)).text();
    const scripts = [...page.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, src]) => src!);
    expect(scripts.length).toBeGreaterThan(0);
    for (const src of scripts) expect((await fetch(new URL(src, url))).status).toBe(200);
  } finally {
    if (process.platform === "win32") server.kill();
    else process.kill(-server.pid!);
  }
}

/** The address that the server says it has; fails with its words if it ends without. */
const urlOf = (server: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let words = "";
    for (const stream of [server.stdout!, server.stderr!]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        words += part;
        const url = words.match(/http:\/\/127\.0\.0\.1:\d+\//)?.[0];
        if (url) resolve(url);
      });
    }
    server.on("close", (code) => reject(new Error(`${SERVER} ended with ${code}: ${words}`)));
  });
