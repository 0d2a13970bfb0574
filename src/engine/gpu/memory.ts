import type { Counters } from "./counters.ts";
import { type Failure, OutOfMemoryError } from "./failure.ts";
import { Pool } from "./pool.ts";
import type { Wait } from "./wait.ts";

/** Tensors start at multiples of this many bytes, the largest binding offset alignment WebGPU allows. */
export const ALIGNMENT = 256;

/** Rounds a byte count up to whole alignment units; at least one. */
export const alignBytes = (bytes: number): number => Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;

/** More is asked for than the adapter allows; `rule` says what and how much, `fix` what would help. */
export class LimitError extends Error {
  override name = "LimitError";
  readonly rule: string;

  constructor(rule: string, fix = "Use a smaller batch") {
    super(`${rule}. ${fix}`);
    this.rule = rule;
  }
}

/**
 * GPU memory that one or more tensors view. `buffer` is null while a captured step has not been planned yet (several
 * storages with disjoint lifetimes then share one buffer), and again when the memory has been given back.
 */
export class Storage {
  readonly bytes: number;
  buffer: GPUBuffer | null;
  /** True when the buffer came from the pool for this storage alone and goes back there. */
  readonly pooled: boolean;
  #released = false;

  constructor(bytes: number, buffer: GPUBuffer | null, pooled: boolean) {
    this.bytes = bytes;
    this.buffer = buffer;
    this.pooled = pooled;
  }

  /** Whether the memory was given back: by then it may be a stranger's. */
  get released(): boolean {
    return this.#released;
  }

  /** The buffer, for `who` to work with. Throws one sentence where there is none yet or none any more. */
  use(who: string): GPUBuffer {
    if (this.buffer) return this.buffer;
    throw new Error(
      this.#released
        ? `${who}: every tensor must still have its memory; got one that was disposed, alone or with its tidy or step`
        : `${who}: this tensor exists only inside a compiled step; return it there`,
    );
  }

  /** Forgets the buffer for good, whoever has it next. */
  release(): void {
    this.buffer = null;
    this.#released = true;
  }
}

/** What an allocator works with. */
export interface AllocatorParts {
  readonly gpu: GPUDevice;
  readonly counters: Counters;
  readonly failure: Failure;
  readonly wait: Wait;
  /** Submits what has been recorded so far: a command must not be submitted after a buffer of its is destroyed. */
  readonly submit: () => void;
}

/**
 * The one place that creates and destroys GPU buffers. Released ones wait in a pool; the queue runs in order, so a buffer
 * may be handed out again, or destroyed, while work that was submitted earlier still uses it.
 */
export class Allocator {
  readonly #parts: AllocatorParts;
  readonly #pool = new Pool();

  constructor(parts: AllocatorParts) {
    this.#parts = parts;
  }

  /** A storage buffer of at least `bytes`, contents undefined. */
  acquire(bytes: number): GPUBuffer {
    const size = alignBytes(bytes);
    this.#checkSize(size);
    return this.#pool.take(size) ?? this.createStorage(size, "tensor");
  }

  /** A new buffer that kernels read and write, outside the pool. */
  createStorage(bytes: number, label: string): GPUBuffer {
    const { STORAGE, COPY_SRC, COPY_DST } = BUFFER_USAGE;
    return this.create(alignBytes(bytes), STORAGE | COPY_SRC | COPY_DST, label);
  }

  /** Hands a buffer from `acquire` back for reuse. */
  release(buffer: GPUBuffer): void {
    const surplus = this.#pool.give(buffer);
    if (surplus.length > 0) this.#parts.submit();
    for (const old of surplus) this.destroy(old);
  }

  /** Creates a buffer for any usage and counts it. */
  create(size: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    this.#checkSize(size);
    const { gpu, counters, failure } = this.#parts;
    const buffer = failure.guard(() => gpu.createBuffer({ size, usage, label }), {
      "out-of-memory": (error) => new OutOfMemoryError(size, label, error),
    });
    counters.buffersCreated++;
    counters.bytesHeld += size;
    counters.bytesPeak = Math.max(counters.bytesPeak, counters.bytesHeld);
    return buffer;
  }

  #checkSize(size: number): void {
    const limit = this.#parts.gpu.limits.maxBufferSize;
    if (size > limit) {
      throw new LimitError(`allocate: a buffer may hold ${limit} bytes on this adapter; got ${size}`);
    }
  }

  /** Destroys a buffer. All work that uses it has been submitted, or it was never used. */
  destroy(buffer: GPUBuffer): void {
    this.#parts.counters.bytesHeld -= buffer.size;
    buffer.destroy();
  }

  /** Destroys every pooled buffer once the GPU has finished with all work recorded so far. */
  async trim(): Promise<void> {
    const { gpu, wait, submit } = this.#parts;
    submit();
    const idle = this.#pool.empty();
    await wait(gpu.queue.onSubmittedWorkDone());
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
