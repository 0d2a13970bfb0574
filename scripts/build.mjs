// Bundles into dist/: core.mjs (any platform, shaders inlined), node.mjs and explorer.mjs (what Node needs besides,
// what pages embed), cli.js (the program), web/ (the pages), types/, THIRD_PARTY_LICENSES (of what is bundled).
// `node scripts/build.mjs FOLDER` builds into another folder.
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundleCli, bundleCore, bundleExplorer, bundleNode, bundleWeb } from "./bundle.mjs";
import { thirdPartyLicenses } from "./licenses.mjs";
import { root, tool } from "./run.mjs";

const dist = resolve(root, process.argv[2] ?? "dist");

rmSync(dist, { recursive: true, force: true });
const metafiles = await Promise.all([
  bundleCore(dist),
  bundleNode(dist),
  bundleExplorer(dist),
  bundleCli(join(dist, "cli.js")),
  bundleWeb(join(dist, "web")),
]);
writeFileSync(join(dist, "THIRD_PARTY_LICENSES"), thirdPartyLicenses(metafiles.flat()));
const emit = ["--noCheck", "--noEmit", "false", "--declaration", "--emitDeclarationOnly"];
const into = ["--rootDir", "src", "--outDir", join(dist, "types")];
const coreTypes = tool("tsc", "-p", "tsconfig.json", ...emit, ...into);
const beside = ["src/node/wait.ts", "src/explorer/index.ts"];
const platforms = ["--ignoreConfig", "--types", "node,@webgpu/types"];
const besideTypes = tool("tsc", ...platforms, ...emit, ...into, ...beside);
process.exit(coreTypes || besideTypes);
