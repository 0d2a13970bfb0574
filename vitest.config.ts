import { readFileSync } from "node:fs";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type Plugin } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { CHROMIUM_ARGS, findChromium } from "./scripts/chromium.mjs";

/** Lets `import source from "./kernel.wgsl"` give the file's text, as the esbuild bundles do. */
const wgslAsText: Plugin = {
  name: "wgsl-as-text",
  enforce: "pre",
  load(id) {
    const path = id.split("?")[0]!;
    if (!path.endsWith(".wgsl")) return null;
    return `export default ${JSON.stringify(readFileSync(path, "utf8"))};`;
  },
};

/** What ends a test that hangs. Software adapters compile shaders on the CPU, so a test may take a while on two busy cores. */
const testTimeout = 300_000;

/** Lets `import bytes from "./codec.wasm?bytes"` give the file's bytes, in Node and in the browser. */
const wasmAsBytes: Plugin = {
  name: "wasm-as-bytes",
  enforce: "pre",
  load(id) {
    const [path, query] = id.split("?");
    if (query !== "bytes") return null;
    const text = JSON.stringify(readFileSync(path!, "base64"));
    return `export default Uint8Array.from(atob(${text}), (letter) => letter.charCodeAt(0));`;
  },
};

/** What takes longest begins first, so that no worker is left alone with it: tests that start processes and browsers. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => Number(/\/test\/(web|cli|repo)\//.test(moduleId));
    return (await super.sort(files)).sort((a, b) => isLong(b) - isLong(a));
  }
}

/** Tests that run in both: what must give the same bits in both. What of them Node alone runs is said by `inNodeAlone`. */
const EVERYWHERE = ["test/ops/**/*.test.ts", "test/engine/**/*.test.ts", "test/data/decode*.test.ts"];

export default defineConfig({
  plugins: [wgslAsText, wasmAsBytes],
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          setupFiles: ["test/setup.node.ts"],
          environment: "node",
          server: { deps: { inline: [/\.wasm\?bytes$/] } },
          pool: "forks",
          // Two processes for all files: to start one costs more than most files. setup.node.ts gives each file fresh modules.
          isolate: false,
          testTimeout,
          hookTimeout: testTimeout,
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: EVERYWHERE,
          setupFiles: ["test/setup.browser.ts"],
          fileParallelism: false,
          testTimeout,
          hookTimeout: testTimeout,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: findChromium(), args: CHROMIUM_ARGS },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
  },
});
