import type { Device } from "./device.ts";
import type { Kernel } from "./kernel.ts";
import { BUFFER_USAGE } from "./memory.ts";
import type { Bound, Range } from "./recorder.ts";

const UNIFORM_BLOCK_BYTES = 65_536;

/** Compiled kernels, their bind groups, and the small constant buffers they read. */
export class Pipelines {
  readonly #device: Device;
  readonly #pipelines = new Map<Kernel, GPUComputePipeline>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #uniforms = new Map<string, GPUBufferBinding>();
  #block: GPUBuffer | null = null;
  #blockUsed = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** The pipeline of a kernel, compiled on first use. */
  get(kernel: Kernel): GPUComputePipeline {
    let pipeline = this.#pipelines.get(kernel);
    if (!pipeline) {
      pipeline = this.#device.gpu.createComputePipeline(this.#descriptor(kernel));
      this.#keep(kernel, pipeline);
    }
    return pipeline;
  }

  /** Compiles several kernels in parallel without blocking. */
  async prepare(kernels: Iterable<Kernel>): Promise<void> {
    const missing = [...new Set(kernels)].filter((kernel) => !this.#pipelines.has(kernel));
    await Promise.all(
      missing.map(async (kernel) => {
        const pipeline = await this.#device.gpu.createComputePipelineAsync(this.#descriptor(kernel));
        this.#keep(kernel, pipeline);
      }),
    );
  }

  #keep(kernel: Kernel, pipeline: GPUComputePipeline): void {
    this.#pipelines.set(kernel, pipeline);
    this.#device.counters.pipelinesCreated++;
  }

  #descriptor({ entry, source }: Kernel): GPUComputePipelineDescriptor {
    let module = this.#modules.get(source);
    if (!module) {
      module = this.#device.gpu.createShaderModule({ label: entry, code: source });
      this.#modules.set(source, module);
    }
    return { label: entry, layout: "auto", compute: { module, entryPoint: entry } };
  }

  /** A bind group for a kernel; every storage must have its buffer by now. */
  bind(kernel: Kernel, bindings: readonly Bound[]): GPUBindGroup {
    const entries = bindings.flatMap((bound, binding) =>
      bound ? [{ binding, resource: this.#resource(kernel, bound) }] : [],
    );
    this.#device.counters.bindGroupsCreated++;
    const layout = this.get(kernel).getBindGroupLayout(0);
    return this.#device.gpu.createBindGroup({ label: kernel.entry, layout, entries });
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
      const { allocator, gpu } = this.#device;
      const stride = gpu.limits.minUniformBufferOffsetAlignment;
      const bytes = Math.ceil(words.byteLength / 16) * 16;
      if (!this.#block || this.#blockUsed + bytes > UNIFORM_BLOCK_BYTES) {
        this.#block = allocator.create(
          UNIFORM_BLOCK_BYTES,
          BUFFER_USAGE.UNIFORM | BUFFER_USAGE.COPY_DST,
          "uniforms",
        );
        this.#blockUsed = 0;
      }
      binding = { buffer: this.#block, offset: this.#blockUsed, size: bytes };
      gpu.queue.writeBuffer(this.#block, this.#blockUsed, words as Uint32Array<ArrayBuffer>);
      this.#blockUsed += Math.ceil(bytes / stride) * stride;
      this.#uniforms.set(key, binding);
    }
    return binding;
  }
}

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** The bits of an f32, to stand among a uniform's words. */
export function f32Bits(value: number): number {
  floats[0] = value;
  return bits[0]!;
}

/** Small constants of one dispatch: sizes and strides, or `f32Bits` of a float. Never a value that changes by step. */
export const uniform = (...words: number[]): Uint32Array => Uint32Array.from(words);
