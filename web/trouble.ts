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
  /** What to do after a loss of the graphics device. */
  lost: string;
  /** What an error of no special kind has ended. */
  failed: string;
}

const OF_A_RUN: Consequences = {
  lost: "Reset begins a new run; a smaller batch asks less of the device.",
  failed: "The run has ended with an error",
};

/** An error in words. */
export function explain(name: string, message: string, { lost, failed } = OF_A_RUN): Trouble {
  if (name === "DeviceLostError") {
    return { title: "The graphics device was lost", advice: `${lost} The browser says: ${message}` };
  }
  if (name === "NonFiniteLossError") return { title: "The loss is no longer a number", advice: message };
  return { title: failed, advice: message };
}
