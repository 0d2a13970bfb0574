import type { OpenLibrary } from "./stepRunner.ts";

/** The libraries that are compared. */
export const LIBRARIES = ["partwise", "jax-js", "tfjs"] as const;
export type Library = (typeof LIBRARIES)[number];

/** The npm packages of the peers. */
export const PEER_PACKAGES = ["@jax-js/jax", "@tensorflow/tfjs", "@tensorflow/tfjs-backend-webgpu"] as const;

/** Opens a library's device. Its code is loaded here, so that a process runs only what it uses. */
export async function openLibrary(library: Library): Promise<OpenLibrary> {
  switch (library) {
    case "partwise": {
      const { openDevice } = await import("../measure/dawn.ts");
      const { referenceStep } = await import("../referenceStep.ts");
      const device = await openDevice();
      return { start: (problem) => referenceStep(device, problem) };
    }
    case "jax-js":
      return (await import("./jaxStep.ts")).openJax();
    case "tfjs":
      return (await import("./tfjsStep.ts")).openTfjs();
  }
}
