import type { ProgressRow } from "../src/train/loop.ts";
import type { FromWorker, Settings, ToWorker } from "./messages.ts";

export interface TrainingOptions {
  /** Ends the training. */
  signal: AbortSignal;
  /** Told what is prepared. */
  onPreparing(what: string): void;
  onProgress(row: ProgressRow): void;
}

/** Trains on built-in pictures in the worker -> the file of the encoder, or null where it was ended. */
export function trainHere(
  settings: Settings,
  { signal, onPreparing, onProgress }: TrainingOptions,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const trained = new Promise<Uint8Array<ArrayBuffer> | null>((resolve, reject) => {
    signal.addEventListener("abort", () => resolve(null));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "preparing") onPreparing(data.what);
      else if (data.kind === "progress") onProgress(data.row);
      else if (data.kind === "encoder") resolve(data.bytes);
      else if (data.kind === "failed") reject(Object.assign(new Error(data.message), { name: data.name }));
    };
  });
  worker.postMessage({ kind: "start", settings, files: [] } satisfies ToWorker);
  return trained.finally(() => worker.terminate());
}
