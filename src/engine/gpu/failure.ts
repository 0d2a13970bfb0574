/** The GPU went away: driver reset, watchdog, unplugged, or `Device.destroy`. Nothing can be read back any more. */
export class DeviceLostError extends Error {
  override name = "DeviceLostError";
}

/** The first thing that went wrong on a device: all that comes after it may be a consequence. */
export class Failure {
  #first: Error | null = null;

  note(error: Error): void {
    this.#first ??= error;
  }

  /** Throws what was noted first, if anything was. */
  check(): void {
    if (this.#first) throw this.#first;
  }
}
