import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium } from "../../scripts/chromium.mjs";
import { serve } from "../../scripts/serve.mjs";
import { METHODS } from "../../src/models/methods.ts";
import { root } from "../repo/files.ts";
import { startChromium } from "./chromium.ts";
import { type ParityResult, STEPS } from "./paritySteps.ts";

// One bundle, run in two runtimes on one adapter: Chromium's own SwiftShader, which Node is told to use, too.
const folder = mkdtempSync(join(tmpdir(), "partwise-parity-"));
const bundle = join(folder, "steps.js");

beforeAll(async () => {
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Parity</title>");
  await build({
    absWorkingDir: root,
    entryPoints: ["test/web/paritySteps.ts"],
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "neutral",
    loader: { ".wgsl": "text" },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The Vulkan driver file that comes with Chromium. */
function swiftShaderDriver(): string {
  const beside = findChromium() && join(dirname(realpathSync(findChromium()!)), "vk_swiftshader_icd.json");
  const places = [beside, "/usr/lib/chromium/vk_swiftshader_icd.json"];
  const found = places.find((path) => path && existsSync(path));
  if (!found) throw new Error(`parity: SwiftShader's driver file must be there; looked in ${places}.`);
  return found;
}

/** The steps in a Node process of their own, because the driver is chosen when a process starts. */
async function inNode(): Promise<ParityResult> {
  const program = `
    import { create } from "webgpu";
    import { paritySteps } from ${JSON.stringify(bundle)};
    console.log(JSON.stringify(await paritySteps(create([]))));
    process.exit(0);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: root,
    env: { ...process.env, VK_DRIVER_FILES: swiftShaderDriver() },
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

async function inChromium(): Promise<ParityResult> {
  const [browser, server] = [await startChromium(), await serve(folder, 0)];
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    // As text: the test runner rewrites imports in functions.
    return await page.evaluate<ParityResult>(
      'import("/steps.js").then(({ paritySteps }) => paritySteps(navigator.gpu))',
    );
  } finally {
    await browser.close();
    server.close();
  }
}

let node: ParityResult;
let chromium: ParityResult;
beforeAll(async () => {
  [node, chromium] = await Promise.all([inNode(), inChromium()]);
});

test("both runtimes use one adapter, and all of RandAugment gives the same bits in both", () => {
  expect(node.adapter).toMatch(/swiftshader/i);
  expect(chromium.adapter).toMatch(/swiftshader/i);
  expect(chromium.pixels).toBe(node.pixels);
  expect(chromium.randAugment).toBe(node.randAugment);
  expect(node.randAugment).not.toBe(node.pixels);
});

test.each(Object.keys(METHODS))("steps of %s give the same bits in Node and in Chromium", (name) => {
  const { updates, digests, losses } = node.methods[name]!;
  expect(updates).toBe(STEPS);
  expect(losses.every(Number.isFinite)).toBe(true);
  expect(new Set(losses).size).toBe(STEPS);
  expect(Object.keys(digests)).toEqual(
    expect.arrayContaining(["0", "optimizer.exp_avg.0", "optimizer.exp_avg_sq.0"]),
  );
  expect(new Set(Object.values(digests)).size).toBe(Object.keys(digests).length);
  expect(chromium.methods[name]).toEqual(node.methods[name]);
});
