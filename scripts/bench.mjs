// `npm run bench [-- NAME ... [options]]`: bundles and runs bench/NAME.bench.ts, or all of them, one after another, each
// with the options. `--build` bundles all and runs none, for a host that has Node alone: see docs/performance.md.
// The libraries that `peers` compares are installed into bench/ when it is bundled.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { node, npm, root } from "./run.mjs";
import { setup } from "./setup.mjs";

const folder = join(root, "bench");
const suffix = ".bench.ts";
const known = readdirSync(folder)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length));
/** Runs the others as its parts. */
const HOST = "gpu";
const given = process.argv.slice(2);
const names = given.findIndex((word) => word.startsWith("-"));
const wanted = names < 0 ? given : given.slice(0, names);
const options = given.slice(wanted.length);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`bench: the name must be one of ${known.join(", ")}; got ${unknown.join(", ")}.`);
  process.exit(2);
}

setup();
const { build } = await import("esbuild");
const { shared } = await import("./bundle.mjs");
const isBuildOnly = options.includes("--build");
if (isBuildOnly || wanted.includes(HOST)) await bundle(...known);
if (isBuildOnly) {
  console.log(`bench: bundled ${known.join(", ")} into bench/dist`);
  process.exit(0);
}
for (const name of wanted.length > 0 ? wanted : known.filter((name) => name !== HOST)) {
  if (name !== HOST) await bundle(name);
  const status = node(`bench/dist/${name}.mjs`, ...options);
  if (status !== 0) process.exit(status);
}

/**
 * The JSON of a file of the repository.
 * @param {string} path
 */
function jsonOf(path) {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

/** Installs what bench/package-lock.json asks for, unless it is there. */
function installPeers() {
  const { packages } = jsonOf("bench/package-lock.json");
  const wanted = Object.keys(packages[""].devDependencies).map((name) => `node_modules/${name}`);
  const isThere = wanted.every((path) => {
    const file = join("bench", path, "package.json");
    return existsSync(join(root, file)) && jsonOf(file).version === packages[path].version;
  });
  if (isThere) return;
  console.log("bench: installing the peers (npm ci)");
  if (npm(folder, "ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund") !== 0) {
    console.error("bench: npm ci failed for the peers, see above; run it again once the cause is mended.");
    process.exit(1);
  }
}

/** What a bench says of itself: the commit, with `+` behind it when files have changed, and what it holds. */
function buildFacts() {
  /** @param {string[]} args */
  const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
  const commit = git("rev-parse", "--short=12", "HEAD");
  const changed = git("status", "--porcelain", "--untracked-files=no") ? "+" : "";
  const versions = {
    partwise: jsonOf("package.json").version,
    webgpu: jsonOf("package-lock.json").packages["node_modules/webgpu"].version,
    ...jsonOf("bench/package.json").devDependencies,
  };
  return { commit: commit ? commit + changed : "unknown", versions };
}

/**
 * One file each with everything but Dawn, so that the peers are found in bench/node_modules and in the form that
 * browsers get: TensorFlow.js registers gradients in its ES modules alone.
 * @param {string[]} names
 */
async function bundle(...names) {
  if (names.includes("peers")) installPeers();
  await build({
    ...shared,
    entryPoints: names.map((name) => ({ in: join(folder, name + suffix), out: name })),
    outdir: join(folder, "dist"),
    outExtension: { ".js": ".mjs" },
    platform: "node",
    mainFields: ["module", "main"],
    external: ["webgpu"],
    logLevel: "error",
    define: { BUILD: JSON.stringify(buildFacts()) },
    banner: {
      js: 'import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
  });
  if (names.includes("torch")) cpSync(join(folder, "torch/steps.py"), join(folder, "dist/steps.py"));
}
