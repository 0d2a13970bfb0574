import type { Bound } from "./command.ts";
import type { Counters } from "./counters.ts";
import type { Kernel } from "./kernel.ts";
import { type Allocator, BUFFER_USAGE } from "./memory.ts";
import type { Range } from "./range.ts";

const UNIFORM_BLOCK_BYTES = 65_536;

/** Compiled kernels, their bind groups, and the small constant buffers they read. */
export class Pipelines {
  readonly #gpu: GPUDevice;
  readonly #allocator: Allocator;
  readonly #counters: Counters;
  readonly #pipelines = new Map<Kernel, GPUComputePipeline>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #uniforms = new Map<string, GPUBufferBinding>();
  #block: GPUBuffer | null = null;
  #blockUsed = 0;

  constructor(gpu: GPUDevice, allocator: Allocator, counters: Counters) {
    this.#gpu = gpu;
    this.#allocator = allocator;
    this.#counters = counters;
  }

  /** The pipeline of a kernel, compiled on first use. */
  get(kernel: Kernel): GPUComputePipeline {
    let pipeline = this.#pipelines.get(kernel);
    if (!pipeline) {
      pipeline = this.#gpu.createComputePipeline(this.#descriptor(kernel));
      this.#keep(kernel, pipeline);
    }
    return pipeline;
  }

  /** Compiles several kernels in parallel without blocking. */
  async prepare(kernels: Iterable<Kernel>): Promise<void> {
    const missing = [...new Set(kernels)].filter((kernel) => !this.#pipelines.has(kernel));
    await Promise.all(
      missing.map(async (kernel) => {
        const pipeline = await this.#gpu.createComputePipelineAsync(this.#descriptor(kernel));
        this.#keep(kernel, pipeline);
      }),
    );
  }

  #keep(kernel: Kernel, pipeline: GPUComputePipeline): void {
    this.#pipelines.set(kernel, pipeline);
    this.#counters.pipelinesCreated++;
  }

  #descriptor({ entry, source }: Kernel): GPUComputePipelineDescriptor {
    let module = this.#modules.get(source);
    if (!module) {
      module = this.#gpu.createShaderModule({ label: entry, code: source });
      this.#modules.set(source, module);
    }
    return { label: entry, layout: "auto", compute: { module, entryPoint: entry } };
  }

  /** A bind group for a kernel; every storage must have its buffer by now. */
  bind(kernel: Kernel, bindings: readonly Bound[]): GPUBindGroup {
    const entries = bindings.flatMap((bound, binding) =>
      bound ? [{ binding, resource: this.#resource(kernel, bound) }] : [],
    );
    this.#counters.bindGroupsCreated++;
    const layout = this.get(kernel).getBindGroupLayout(0);
    return this.#gpu.createBindGroup({ label: kernel.entry, layout, entries });
  }

  #resource(kernel: Kernel, bound: Range | Uint32Array): GPUBufferBinding {
    if (bound instanceof Uint32Array) return this.#uniform(bound);
    const { buffer } = bound.storage;
    if (!buffer) throw new Error(`${kernel.entry}: a tensor of a captured step was used outside of it`);
    return { buffer, offset: bound.offset, size: Math.ceil(bound.bytes / 16) * 16 };
  }

  /** A constant uniform of these words, shared by everyone who asks for equal ones. */
  #uniform(words: Uint32Array): GPUBufferBinding {
    const key = words.join();
    let binding = this.#uniforms.get(key);
    if (!binding) {
      const stride = this.#gpu.limits.minUniformBufferOffsetAlignment;
      const bytes = Math.ceil(words.byteLength / 16) * 16;
      if (!this.#block || this.#blockUsed + bytes > UNIFORM_BLOCK_BYTES) {
        this.#block = this.#allocator.create(
          UNIFORM_BLOCK_BYTES,
          BUFFER_USAGE.UNIFORM | BUFFER_USAGE.COPY_DST,
          "uniforms",
        );
        this.#blockUsed = 0;
      }
      binding = { buffer: this.#block, offset: this.#blockUsed, size: bytes };
      this.#gpu.queue.writeBuffer(this.#block, this.#blockUsed, words as Uint32Array<ArrayBuffer>);
      this.#blockUsed += Math.ceil(bytes / stride) * stride;
      this.#uniforms.set(key, binding);
    }
    return binding;
  }
}
