// Bundles into dist/: core.mjs (any platform, shaders inlined), cli.js (Node), web/ (page and worker), types/.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundleCli, bundleCore, bundleWeb } from "./bundle.mjs";
import { root, tool } from "./run.mjs";

const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
await Promise.all([bundleCore(dist), bundleCli(join(dist, "cli.js")), bundleWeb(join(dist, "web"))]);
const emit = ["--noCheck", "--noEmit", "false", "--declaration", "--emitDeclarationOnly"];
const types = tool(
  "tsc",
  "-p",
  "tsconfig.json",
  ...emit,
  "--rootDir",
  "src",
  "--outDir",
  join(dist, "types"),
);
process.exit(types);
