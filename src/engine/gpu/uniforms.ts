import { type Allocator, BUFFER_USAGE } from "./memory.ts";

const BLOCK_BYTES = 65_536;

/** Small constants that kernels read, equal ones once, in buffers that live as long as their owner. */
export class Uniforms {
  readonly #gpu: GPUDevice;
  readonly #allocator: Allocator;
  readonly #bindings = new Map<string, GPUBufferBinding>();
  #blocks: GPUBuffer[] = [];
  #used = BLOCK_BYTES;

  constructor(gpu: GPUDevice, allocator: Allocator) {
    this.#gpu = gpu;
    this.#allocator = allocator;
  }

  /** Bytes of the buffers. */
  get bytes(): number {
    return this.#blocks.length * BLOCK_BYTES;
  }

  /** A uniform of these words. */
  binding(words: Uint32Array): GPUBufferBinding {
    const key = words.join();
    const known = this.#bindings.get(key);
    if (known) return known;
    const size = Math.ceil(words.byteLength / 16) * 16;
    if (this.#used + size > BLOCK_BYTES) {
      const { UNIFORM, COPY_DST } = BUFFER_USAGE;
      this.#blocks.push(this.#allocator.create(BLOCK_BYTES, UNIFORM | COPY_DST, "uniforms"));
      this.#used = 0;
    }
    const binding = { buffer: this.#blocks.at(-1)!, offset: this.#used, size };
    this.#gpu.queue.writeBuffer(binding.buffer, binding.offset, words as Uint32Array<ArrayBuffer>);
    const stride = this.#gpu.limits.minUniformBufferOffsetAlignment;
    this.#used += Math.ceil(size / stride) * stride;
    this.#bindings.set(key, binding);
    return binding;
  }

  /** Gives the buffers back; all work that reads them has been submitted. */
  destroy(): void {
    for (const block of this.#blocks) this.#allocator.destroy(block);
    this.#blocks = [];
    this.#bindings.clear();
    this.#used = BLOCK_BYTES;
  }
}
