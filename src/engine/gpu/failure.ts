/** The GPU went away: driver reset, watchdog, unplugged, or `Device.destroy`. Nothing can be read back any more. */
export class DeviceLostError extends Error {
  override name = "DeviceLostError";
}

type Named = (error: GPUError) => GpuError;

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
   * Runs `action`, which must not wait, and notes what the GPU says against it: a fault of ours, and errors `besides`. The
   * error scopes open and close inside this call: on a device that others use too, their errors stay theirs and ours are
   * not seen by them.
   */
  guard<T>(action: () => T, besides: Partial<Record<GPUErrorFilter, Named>> = {}): T {
    const scopes = Object.entries({ validation: gpuError, ...besides });
    for (const [filter] of scopes) this.#gpu.pushErrorScope(filter as GPUErrorFilter);
    try {
      return action();
    } finally {
      for (const [, named] of scopes.reverse()) this.#watch(this.#gpu.popErrorScope(), named);
    }
  }

  #watch(scope: Promise<GPUError | null>, named: Named): void {
    const answered = scope
      .then(
        (error) => {
          if (error) this.note(named(error));
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

/** What the GPU reported, by a scope or as an uncaptured error. The device is of no use from then on. */
export class GpuError extends Error {
  override name = "GpuError";
}

/** The GPU has no room for a buffer. As after any `GpuError` the device is of no use: open another one, and ask for less. */
export class OutOfMemoryError extends GpuError {
  override name = "OutOfMemoryError";
  readonly bytes: number;
  /** What the buffer was for. */
  readonly label: string;

  constructor(bytes: number, label: string, { message }: GPUError) {
    super(
      `allocate: the GPU must have room for a ${label} buffer of ${bytes} bytes; it has none (${message}). ` +
        "Open the device again and use a smaller batch",
    );
    this.bytes = bytes;
    this.label = label;
  }
}

export const gpuError = ({ message }: GPUError): GpuError => new GpuError(`GPU: ${message}`);
