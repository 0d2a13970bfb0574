import type { Counters } from "./counters.ts";
import type { Wait } from "./wait.ts";

/** Tensors start at multiples of this many bytes, the largest binding offset alignment WebGPU allows. */
export const ALIGNMENT = 256;

/** Rounds a byte count up to whole alignment units; at least one. */
export const alignBytes = (bytes: number): number => Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;

/** More is asked for than the adapter allows; `rule` says what and how much. */
export class LimitError extends Error {
  override name = "LimitError";
  readonly rule: string;

  constructor(rule: string) {
    super(`${rule}. Use a smaller batch`);
    this.rule = rule;
  }
}

/**
 * GPU memory that one or more tensors view. `buffer` is null while a captured step has not been planned yet:
 * several storages with disjoint lifetimes then share one buffer.
 */
export class Storage {
  readonly bytes: number;
  buffer: GPUBuffer | null;
  /** True when the buffer came from the pool for this storage alone and goes back there. */
  readonly pooled: boolean;

  constructor(bytes: number, buffer: GPUBuffer | null, pooled: boolean) {
    this.bytes = bytes;
    this.buffer = buffer;
    this.pooled = pooled;
  }
}

/**
 * The one place that creates and destroys GPU buffers. Released buffers wait in a pool by exact size; the queue runs
 * in order, so a buffer may be handed out again while earlier work still uses it. Nothing is destroyed before a fence.
 */
export class Allocator {
  readonly #gpu: GPUDevice;
  readonly #counters: Counters;
  readonly #wait: Wait;
  readonly #pool = new Map<number, GPUBuffer[]>();

  constructor(gpu: GPUDevice, counters: Counters, wait: Wait) {
    this.#gpu = gpu;
    this.#counters = counters;
    this.#wait = wait;
  }

  /** A storage buffer of at least `bytes`, contents undefined. */
  acquire(bytes: number): GPUBuffer {
    const size = alignBytes(bytes);
    const waiting = this.#pool.get(size)?.pop();
    if (waiting) return waiting;
    return this.createStorage(size, "tensor");
  }

  /** A new buffer that kernels read and write, outside the pool. */
  createStorage(bytes: number, label: string): GPUBuffer {
    const { STORAGE, COPY_SRC, COPY_DST } = BUFFER_USAGE;
    return this.create(alignBytes(bytes), STORAGE | COPY_SRC | COPY_DST, label);
  }

  /** Hands a buffer from `acquire` back for reuse. */
  release(buffer: GPUBuffer): void {
    const waiting = this.#pool.get(buffer.size);
    if (waiting) waiting.push(buffer);
    else this.#pool.set(buffer.size, [buffer]);
  }

  /** Creates a buffer for any usage and counts it. */
  create(size: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    const limit = this.#gpu.limits.maxBufferSize;
    if (size > limit) {
      throw new LimitError(`allocate: a buffer may hold ${limit} bytes on this adapter; got ${size}`);
    }
    const buffer = this.#gpu.createBuffer({ size, usage, label });
    this.#counters.buffersCreated++;
    this.#counters.bytesHeld += size;
    this.#counters.bytesPeak = Math.max(this.#counters.bytesPeak, this.#counters.bytesHeld);
    return buffer;
  }

  /** Destroys a buffer. The caller has waited for the GPU, or the buffer was never used. */
  destroy(buffer: GPUBuffer): void {
    this.#counters.bytesHeld -= buffer.size;
    buffer.destroy();
  }

  /** Destroys every pooled buffer once the GPU has finished with all submitted work. */
  async trim(): Promise<void> {
    const idle = [...this.#pool.values()].flat();
    this.#pool.clear();
    await this.#wait(this.#gpu.queue.onSubmittedWorkDone());
    for (const buffer of idle) this.destroy(buffer);
  }
}

/** GPUBufferUsage's values (WebGPU section 5.1.2); the namespace object itself does not exist in every runtime. */
export const BUFFER_USAGE = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;
