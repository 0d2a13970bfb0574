/** What to tell a person for whom it does not run: what happened, and what they can do. */
export interface Trouble {
  title: string;
  advice: string;
}

/** Why this page cannot compute at all, or undefined if it can. */
export async function missing(): Promise<Trouble | undefined> {
  if (!window.isSecureContext) {
    return {
      title: "This page needs a secure address",
      advice:
        "Browsers offer WebGPU only under https:// or on this machine (localhost). Open the page there.",
    };
  }
  if (!navigator.gpu) {
    return {
      title: "This browser has no WebGPU",
      advice:
        "Use a recent Chrome, Edge, Safari 26 or Firefox. On Linux, Chrome may want the flag " +
        "chrome://flags/#enable-unsafe-webgpu.",
    };
  }
  if (!(await navigator.gpu.requestAdapter())) {
    return {
      title: "WebGPU found no graphics adapter",
      advice: "Switch on hardware acceleration in the browser's settings, or update the graphics driver.",
    };
  }
  return undefined;
}

/** What a page says of errors that may happen to any of its work. */
export interface Consequences {
  /** What to do when the graphics device is of no use any more. */
  lost: string;
  /** What an error of no special kind has ended. */
  failed: string;
}

/** The device is the run's, and ends with it. */
const OF_A_RUN: Consequences = {
  lost: "Reset begins a new run; a smaller batch asks less of the device.",
  failed: "The run has ended with an error",
};

/** The device is the page's own. */
export const OF_A_SEARCH: Consequences = { lost: "Reload the page to go on.", failed: "That did not work" };

/** The device is the training's, beside a search that goes on. */
export const OF_TRAINING_BESIDE: Consequences = {
  lost: "Train again with other programs closed; the search goes on as it was.",
  failed: "The training has ended with an error",
};

/** Errors after which everything that is asked of the device fails as well, by what happened. */
const ENDS: Readonly<Record<string, string>> = {
  DeviceLostError: "The graphics device was lost",
  OutOfMemoryError: "The graphics device has no room for this",
  GpuError: "The graphics device refused a command",
};

/** An error in words. */
export function explain(name: string, message: string, { lost, failed } = OF_A_RUN): Trouble {
  const end = ENDS[name];
  if (end !== undefined) return { title: end, advice: `${lost} The error was: ${message}` };
  if (name === "NonFiniteLossError") return { title: "The loss is no longer a number", advice: message };
  return { title: failed, advice: message };
}
