/** Where tests get their GPU object from. The setup file of each runtime calls `provideGpu` once. */

let provider: (() => GPU) | undefined;

/** Called by `test/setup.node.ts` and `test/setup.browser.ts` before any test runs. */
export function provideGpu(provide: () => GPU): void {
  provider = provide;
}

/** The GPU object of the runtime the test runs in. Throws if no setup file supplied one. */
export function testGpu(): GPU {
  if (!provider) {
    throw new Error(
      "testGpu: a setup file must call provideGpu first; got none. Run the test through vitest.config.ts.",
    );
  }
  return provider();
}
