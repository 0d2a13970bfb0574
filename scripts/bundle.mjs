// The bundles: what they have in common, and each one's own. Each gives the metafiles of what esbuild made.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { build } from "esbuild";
import { root } from "./run.mjs";

/**
 * A shader without comments, and without the layout that its tokens can do without: symbols stay apart from each other
 * (`- -`, `> =`, `/ *` would mean something else). WGSL has no strings, so // always begins a comment. The lines that name the
 * parts of a file (`partsOf`) stay.
 * @param {string} text
 */
export const stripWgsl = (text) =>
  text
    .split(/^(\/\/ part: .*\n)/m)
    .map((piece, i) => (i % 2 === 1 ? `\n${piece}` : squeeze(piece)))
    .join("")
    .trim();

/** @param {string} text */
const squeeze = (text) =>
  text
    .replace(/\/\/.*/g, "")
    .replace(/\s*([,;:(){}])\s*/g, "$1")
    .replace(/(?<=[\w)\]])\s+([-+*/%=<>&|^]|[-+*/%=!<>]=|&&|\|\||<<|>>|->)\s+(?=[\w(])/g, "$1")
    .trim();

/** @type {import("esbuild").Plugin} */
const wgslAsText = {
  name: "wgsl-as-text",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({
      loader: "text",
      contents: stripWgsl(readFileSync(path, "utf8")),
    })),
};

export const shared = {
  absWorkingDir: root,
  bundle: true,
  format: /** @type {const} */ ("esm"),
  target: "es2023",
  plugins: [wgslAsText],
  logLevel: /** @type {const} */ ("warning"),
  metafile: /** @type {const} */ (true),
};

/** Commander is CommonJS and asks for parts of Node by `require`, which a module does not have. */
const REQUIRE =
  'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);';

/** The commit of the checkout, with `-dirty` where files of it have changed; nothing where there is no git. */
const commit = () =>
  spawnSync("git", ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], {
    cwd: root,
    encoding: "utf8",
  }).stdout?.trim() ?? "";

/**
 * Bundles the command line, all but Dawn, so that it runs without node_modules: one file, which must lie one folder
 * below package.json, and the image codecs beside it.
 * @param {string} outfile absolute
 */
export async function bundleCli(outfile) {
  const built = await build({
    ...shared,
    platform: "node",
    external: ["webgpu"],
    entryPoints: ["src/cli/main.ts"],
    outfile,
    banner: { js: `#!/usr/bin/env node\n${REQUIRE}` },
    define: { "process.env.PARTWISE_COMMIT": JSON.stringify(commit()) },
  });
  chmodSync(outfile, 0o755); // npm sets the bit when it links the program, not when it is built again
  copyWasm(built.metafile, dirname(outfile));
  return [built.metafile];
}

/** What the library and the browser program share. */
export const anywhere = {
  ...shared,
  platform: /** @type {const} */ ("neutral"),
  mainFields: ["module", "main"],
  conditions: ["import"],
};

/**
 * Bundles the library, shaders inlined, and beside it the image codecs: files of their own, because a bundler drops a file
 * that nothing is used of, and not a statement that may have effects, of which the codecs are full.
 * @param {string} folder
 */
export async function bundleCore(folder) {
  /** @type {Set<string>} */
  const codecs = new Set();
  /** @type {import("esbuild").Plugin} */
  const codecsBeside = {
    name: "codecs-beside",
    setup: ({ onResolve }) =>
      onResolve({ filter: /^@jsquash\/.*\.js$/ }, ({ path }) => {
        codecs.add(path);
        return { path: `./${basename(path, ".js")}.mjs`, external: true };
      }),
  };
  const core = await build({
    ...anywhere,
    plugins: [wgslAsText, codecsBeside],
    entryPoints: ["src/index.ts"],
    outfile: join(folder, "core.mjs"),
  });
  const built = await build({
    ...anywhere,
    entryPoints: [...codecs],
    outdir: folder,
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
  });
  copyWasm(built.metafile, folder);
  return [core.metafile, built.metafile];
}

/**
 * Bundles what the library has for Node alone.
 * @param {string} folder
 */
export async function bundleNode(folder) {
  const { metafile } = await build({
    ...shared,
    platform: "node",
    entryPoints: ["src/node/wait.ts"],
    outfile: join(folder, "node.mjs"),
  });
  return [metafile];
}

/**
 * Bundles what the library has for pages. The library itself stays beside it, so that both share one engine.
 * @param {string} folder
 */
export async function bundleExplorer(folder) {
  /** @type {import("esbuild").Plugin} */
  const coreBeside = {
    name: "core-beside",
    setup: ({ onResolve }) =>
      onResolve({ filter: /^\.\.\/index\.ts$/ }, () => ({ path: "./core.mjs", external: true })),
  };
  const { metafile } = await build({
    ...anywhere,
    plugins: [coreBeside],
    entryPoints: ["src/explorer/index.ts"],
    outfile: join(folder, "explorer.mjs"),
  });
  return [metafile];
}

/**
 * Bundles the browser program, its pages and their worker, with everything they load beside them: the encoders of the zoo, too.
 * @param {string} folder
 * @param {string} zoo the folder of the zoo, which need not be there
 */
export async function bundleWeb(folder, zoo = join(root, "zoo")) {
  const entryPoints = ["web/main.ts", "web/explore.ts", "web/worker.ts"];
  const built = await build({ ...anywhere, platform: "browser", entryPoints, outdir: folder });
  copyWasm(built.metafile, folder);
  for (const name of readdirSync(join(root, "web"))) {
    if ([".html", ".css", ".svg"].includes(extname(name)))
      cpSync(join(root, "web", name), join(folder, name));
  }
  const beside = join(folder, "zoo");
  if (existsSync(zoo)) cpSync(zoo, beside, { recursive: true });
  else {
    mkdirSync(beside, { recursive: true }); // a list of none: a page that asks for a file that is not there leaves an error in the console
    writeFileSync(join(beside, "zoo.json"), '{ "format": "partwise.zoo.2", "encoders": [] }\n');
  }
  return [built.metafile];
}

/**
 * The image codecs look for their .wasm beside the bundle (`new URL(name, import.meta.url)`).
 * @param {import("esbuild").Metafile} metafile
 * @param {string} folder
 */
function copyWasm(metafile, folder) {
  const codecs = Object.keys(metafile.inputs).filter((path) => path.includes("@jsquash"));
  for (const from of new Set(codecs.map(dirname))) {
    for (const name of readdirSync(join(root, from)).filter((name) => name.endsWith(".wasm"))) {
      cpSync(join(root, from, name), join(folder, name));
    }
  }
}
