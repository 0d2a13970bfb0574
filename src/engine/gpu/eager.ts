import type { Command, Recorder } from "./command.ts";
import type { Counters } from "./counters.ts";
import type { Failure } from "./failure.ts";
import { type Allocator, Storage } from "./memory.ts";
import type { Pipelines } from "./pipelines.ts";

/** Commands encoded before a flush, to bound the memory of an encoder. */
const FLUSH_AFTER = 256;

/** The parts of a device that an eager recorder works with. */
export interface Parts {
  readonly gpu: GPUDevice;
  readonly allocator: Allocator;
  readonly pipelines: Pipelines;
  readonly counters: Counters;
  readonly failure: Failure;
}

/** The recorder outside of captured steps: encodes at once, submits in batches. */
export class Eager implements Recorder {
  readonly #parts: Parts;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #waiting = 0;
  #scope: Set<Storage> | null = null;
  #settling: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  allocate(bytes: number): Storage {
    const storage = new Storage(bytes, this.#parts.allocator.acquire(bytes), true);
    this.#scope?.add(storage);
    return storage;
  }

  /** Gives a storage's memory back; the tensors that view it must not be used again. */
  release(storage: Storage): void {
    if (!storage.buffer || !storage.pooled) return;
    this.#parts.allocator.release(storage.buffer);
    storage.buffer = null;
    this.#scope?.delete(storage);
  }

  tidy<T>(action: () => T): T {
    const outer = this.#scope;
    const mine = new Set<Storage>();
    this.#scope = mine;
    try {
      const result = action();
      for (const storage of storagesIn(result)) {
        if (mine.delete(storage)) outer?.add(storage);
      }
      return result;
    } finally {
      this.#scope = null;
      for (const storage of mine) this.release(storage);
      this.#scope = outer;
    }
  }

  /** Runs `action` with its allocations outside of every tidy scope: for what is made once and kept. */
  keep<T>(action: () => T): T {
    const scope = this.#scope;
    this.#scope = null;
    try {
      return action();
    } finally {
      this.#scope = scope;
    }
  }

  record(command: Command): void {
    this.#parts.failure.check();
    if (!this.#encoder) {
      this.#parts.gpu.pushErrorScope("validation");
      this.#encoder = this.#parts.gpu.createCommandEncoder({ label: "eager" });
    }
    if (command.kind === "dispatch") {
      const { kernel, bindings, workgroups } = command;
      this.#pass ??= this.#encoder.beginComputePass({ label: "eager" });
      this.#pass.setPipeline(this.#parts.pipelines.get(kernel));
      this.#pass.setBindGroup(0, this.#parts.pipelines.bind(kernel, bindings));
      this.#pass.dispatchWorkgroups(...workgroups);
      this.#parts.counters.dispatches++;
    } else {
      this.#endPass();
      encodeTransfer(this.#encoder, command);
    }
    if (++this.#waiting >= FLUSH_AFTER) this.flush();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }

  /** Submits what has been encoded. */
  flush(): void {
    if (!this.#encoder) return;
    this.#endPass();
    this.#parts.gpu.queue.submit([this.#encoder.finish()]);
    this.#parts.counters.submits++;
    this.#encoder = null;
    this.#waiting = 0;
    this.watch(this.#parts.gpu.popErrorScope());
  }

  /** Turns an error scope's outcome into the device's failure. */
  watch(scope: Promise<GPUError | null>): void {
    const reported = scope.then(
      (error) => error && this.#parts.failure.note(gpuError(error)),
      () => undefined, // the scope of a lost device: `lost` tells the story
    );
    this.#settling = Promise.all([this.#settling, reported]);
  }

  /** Resolves when every error scope so far has answered. */
  async settled(): Promise<void> {
    await this.#settling;
  }
}

/** What a validation scope or an uncaptured error reported, as an error of ours. */
export const gpuError = ({ message }: GPUError): Error => new Error(`GPU: ${message}`);

/** Encodes a copy or a clear; the storages must have their buffers. */
export function encodeTransfer(
  encoder: GPUCommandEncoder,
  command: Exclude<Command, { kind: "dispatch" }>,
): void {
  if (command.kind === "clear") {
    const { storage, offset, bytes } = command.target;
    encoder.clearBuffer(storage.buffer!, offset, bytes);
  } else {
    const { from, to } = command;
    encoder.copyBufferToBuffer(from.storage.buffer!, from.offset, to.storage.buffer!, to.offset, from.bytes);
  }
}

/** The storages of a tensor, an array or a record of tensors. */
function storagesIn(value: unknown): Storage[] {
  if (value === null || typeof value !== "object") return [];
  if ("storage" in value && value.storage instanceof Storage) return [value.storage];
  if (ArrayBuffer.isView(value)) return [];
  return Object.values(value).flatMap(storagesIn);
}
