/**
 * Declares tests in Node alone: those of what runs in both to which a second adapter adds nothing that other tests do not
 * hold there. Chromium's, SwiftShader, takes ten times as long to compile a kernel. Where this is called stands why.
 */
export function inNodeAlone(declare: () => void): void {
  if (!("document" in globalThis)) declare();
}
