/** Where tests get their GPU object from. The setup file of each runtime calls `provideGpu` once. */
import type { DeviceOptions } from "../src/engine/gpu/device.ts";

let provider: (() => GPU) | undefined;
let suited: DeviceOptions = {};

/** Called by `test/setup.node.ts` and `test/setup.browser.ts` before any test runs. */
export function provideGpu(provide: () => GPU, options: DeviceOptions = {}): void {
  provider = provide;
  suited = options;
}

/** What a device of this runtime had better be opened with. */
export const testOptions = (): DeviceOptions => suited;

/** The GPU object of the runtime the test runs in. Throws if no setup file supplied one. */
export function testGpu(): GPU {
  if (!provider) {
    throw new Error(
      "testGpu: a setup file must call provideGpu first; got none. Run the test through vitest.config.ts.",
    );
  }
  return provider();
}
