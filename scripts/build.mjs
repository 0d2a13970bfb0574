// Bundles into dist/: core.mjs (any platform, shaders inlined), node.mjs (what Node needs besides), cli.js (the program),
// web/ (page and worker), types/. `node scripts/build.mjs FOLDER` builds into another folder.
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundleCli, bundleCore, bundleNode, bundleWeb } from "./bundle.mjs";
import { root, tool } from "./run.mjs";

const dist = resolve(root, process.argv[2] ?? "dist");

rmSync(dist, { recursive: true, force: true });
await Promise.all([
  bundleCore(dist),
  bundleNode(dist),
  bundleCli(join(dist, "cli.js")),
  bundleWeb(join(dist, "web")),
]);
const emit = ["--noCheck", "--noEmit", "false", "--declaration", "--emitDeclarationOnly"];
const into = ["--rootDir", "src", "--outDir", join(dist, "types")];
const coreTypes = tool("tsc", "-p", "tsconfig.json", ...emit, ...into);
const nodeTypes = tool("tsc", "--ignoreConfig", "--types", "node", ...emit, ...into, "src/node/wait.ts");
process.exit(coreTypes || nodeTypes);
