import { type Browser, chromium } from "playwright-core";
import { CHROMIUM_ARGS, findChromium } from "../../scripts/chromium.mjs";

/** Starts headless Chromium with WebGPU on its software adapter, whatever GPU the machine has. */
export async function startChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) {
    throw new Error(
      "startChromium: a Chromium must be installed; got none. Run `node scripts/setup.mjs --browser`.",
    );
  }
  return chromium.launch({
    executablePath,
    args: [...CHROMIUM_ARGS, "--use-webgpu-adapter=swiftshader"],
  });
}
