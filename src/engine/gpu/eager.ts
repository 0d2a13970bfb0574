import { type Command, placed, type Recorder, type Workgroups } from "./command.ts";
import type { Counters } from "./counters.ts";
import { encode, type Transfer } from "./encode.ts";
import type { Failure } from "./failure.ts";
import type { Kernel } from "./kernel.ts";
import { leavesOf } from "./leaves.ts";
import { type Allocator, Storage } from "./memory.ts";
import { type Pipelines, type Resource, resourcesOf } from "./pipelines.ts";
import { Uniforms } from "./uniforms.ts";

/** Commands recorded before a flush, to bound what waits. */
const FLUSH_AFTER = 256;

/** Bytes of uniforms kept for the next batch: equal constants come again, but not for ever. */
const UNIFORM_BYTES = 2 ** 20;

/** The parts of a device that an eager recorder works with. */
export interface Parts {
  readonly gpu: GPUDevice;
  readonly allocator: Allocator;
  readonly pipelines: Pipelines;
  readonly counters: Counters;
  readonly failure: Failure;
}

/** A command that waits for the next flush. Its buffers are those of now: a storage may be released before. */
type Waiting = { kind: "dispatch"; kernel: Kernel; resources: Resource[]; workgroups: Workgroups } | Transfer;

/** The recorder outside of captured steps: submits in batches, each encoded in one go. */
export class Eager implements Recorder {
  readonly #parts: Parts;
  readonly #uniforms: Uniforms;
  #encoder: GPUCommandEncoder | null = null;
  #waiting: Waiting[] = [];
  #scope: Set<Storage> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#uniforms = new Uniforms(parts.gpu, parts.allocator);
  }

  allocate(bytes: number): Storage {
    const storage = new Storage(bytes, this.#parts.allocator.acquire(bytes), true);
    this.#scope?.add(storage);
    return storage;
  }

  /** Gives a storage's memory back; the tensors that view it must not be used again. */
  release(storage: Storage): void {
    const { buffer } = storage;
    if (!buffer || !storage.pooled) return;
    storage.release();
    this.#scope?.delete(storage);
    this.#parts.allocator.release(buffer);
  }

  tidy<T>(action: () => T): T {
    const { result, made } = this.collect(action);
    try {
      for (const { storage } of leavesOf("tidy", result)) {
        if (made.delete(storage)) this.#scope?.add(storage);
      }
    } finally {
      for (const storage of made) this.release(storage);
    }
    return result;
  }

  /** Runs `action` and tells what memory was allocated meanwhile, which then is the caller's; released if it throws. */
  collect<T>(action: () => T): { result: T; made: Set<Storage> } {
    const outer = this.#scope;
    const made = new Set<Storage>();
    this.#scope = made;
    try {
      return { result: action(), made };
    } catch (error) {
      for (const storage of [...made]) this.release(storage);
      throw error;
    } finally {
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
    const { gpu, failure, counters } = this.#parts;
    failure.check();
    this.#encoder ??= gpu.createCommandEncoder({ label: "eager" });
    if (command.kind === "dispatch") {
      const { kind, kernel, bindings, workgroups } = command;
      this.#waiting.push({ kind, kernel, resources: resourcesOf(kernel, bindings), workgroups });
      counters.dispatches++;
    } else {
      this.#waiting.push(placed(command));
    }
    if (this.#waiting.length >= FLUSH_AFTER) this.flush();
  }

  /** Encodes and submits what has been recorded. */
  flush(): void {
    const [encoder, waiting] = [this.#encoder, this.#waiting];
    if (!encoder || waiting.length === 0) return;
    this.#encoder = null;
    this.#waiting = [];
    const { gpu, failure, pipelines, counters } = this.#parts;
    failure.guard(() => {
      const commands = waiting.map((command) => {
        if (command.kind !== "dispatch") return command;
        const { kind, kernel, resources, workgroups } = command;
        const group = pipelines.bind(kernel, resources, this.#uniforms);
        return { kind, pipeline: pipelines.get(kernel), group, workgroups };
      });
      encode(encoder, commands, "eager");
      gpu.queue.submit([encoder.finish()]);
    });
    counters.submits++;
    if (this.#uniforms.bytes > UNIFORM_BYTES) this.#uniforms.destroy();
  }
}
