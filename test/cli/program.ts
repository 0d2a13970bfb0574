/** The command line as a person runs it: bundled, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { bundleCli } from "../../scripts/bundle.mjs";
import { root } from "../repo/files.ts";

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Program {
  /** A folder for this test file, removed at its end. */
  readonly folder: string;
  /** The folder of its caches, inside. */
  readonly cache: string;
  /** Starts the program. */
  start(...args: string[]): { child: ChildProcess; ended: Promise<Ended> };
  /** Runs a shell command to its end; $PARTWISE in it is the program. */
  shell(command: string): Promise<Ended>;
  /** Runs it to its end. */
  run(...args: string[]): Promise<Ended>;
  /** Runs it to its end, which must be good, and gives the JSON of its last line. */
  json(...args: string[]): Promise<Record<string, unknown>>;
}

/** Mesa's compiled shaders stay where they are: they are large, and true for any folder. */
const SHADER_CACHE = {
  MESA_SHADER_CACHE_DIR:
    process.env.MESA_SHADER_CACHE_DIR ?? process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
};

/** Bundles the program for a test file. Its caches are its own, so that nobody's tuning decides what is tested. */
export function withProgram(): Program {
  const bundle = join(root, "out", `cli-${process.pid}.js`);
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "partwise-cli-"));
    await bundleCli(bundle);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(bundle, { force: true });
  });
  const launch = (command: string, ...args: string[]) => {
    const env = {
      ...process.env,
      ...SHADER_CACHE,
      XDG_CACHE_HOME: join(folder, "cache"),
      PARTWISE: `${process.execPath} ${bundle}`,
    };
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const text = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (part: string) => {
        text[name] += part;
      });
    }
    const ended = new Promise<Ended>((resolve) => {
      child.on("close", (code, signal) => resolve({ code, signal, ...text }));
    });
    return { child, ended };
  };
  const start: Program["start"] = (...args) => launch(process.execPath, bundle, ...args);
  const run: Program["run"] = (...args) => start(...args).ended;
  return {
    get folder() {
      return folder;
    },
    get cache() {
      return join(folder, "cache");
    },
    start,
    run,
    shell: (command) => launch("sh", "-c", command).ended,
    async json(...args) {
      const { code, stdout, stderr } = await run(...args, "--json");
      if (code !== 0) throw new Error(`partwise ${args.join(" ")} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout.trim().split("\n").at(-1)!);
    },
  };
}
