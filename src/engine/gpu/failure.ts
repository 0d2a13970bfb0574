/** The GPU went away: driver reset, watchdog, unplugged, or `Device.destroy`. Nothing can be read back any more. */
export class DeviceLostError extends Error {
  override name = "DeviceLostError";
}

/** The first thing that went wrong on a device: all that comes after it may be a consequence. */
export class Failure {
  readonly #gpu: GPUDevice;
  #first: Error | null = null;
  /** Scopes that have not answered yet; each leaves when it has, so that nothing grows with the calls. */
  readonly #open = new Set<Promise<void>>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  note(error: Error): void {
    this.#first ??= error;
  }

  /** Throws what was noted first, if anything was. */
  check(): void {
    if (this.#first) throw this.#first;
  }

  /**
   * Runs `action`, which must not wait, and notes what the GPU says against it. The error scopes open and close inside
   * this call: on a device that others use too, their errors stay theirs and ours are not seen by them.
   */
  guard<T>(action: () => T, filters: readonly GPUErrorFilter[] = ["validation"]): T {
    for (const filter of filters) this.#gpu.pushErrorScope(filter);
    try {
      return action();
    } finally {
      for (const _ of filters) this.#watch(this.#gpu.popErrorScope());
    }
  }

  #watch(scope: Promise<GPUError | null>): void {
    const answered = scope
      .then(
        (error) => {
          if (error) this.note(gpuError(error));
        },
        () => undefined, // the scope of a lost device: `lost` tells the story
      )
      .then(() => {
        this.#open.delete(answered);
      });
    this.#open.add(answered);
  }

  /** Resolves when every error scope so far has answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }
}

/** What a scope or an uncaptured error reported: no fault of who asked for the work. */
export class GpuError extends Error {
  override name = "GpuError";
}

export const gpuError = ({ message }: GPUError): GpuError => new GpuError(`GPU: ${message}`);
