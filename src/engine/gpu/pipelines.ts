import type { Bound } from "./command.ts";
import type { Counters } from "./counters.ts";
import { type Failure, gpuError } from "./failure.ts";
import type { Kernel } from "./kernel.ts";
import type { Uniforms } from "./uniforms.ts";
import type { Wait } from "./wait.ts";

/** What stands at one binding: a place in a buffer, the words of a uniform, or nothing. */
export type Resource = GPUBufferBinding | Uint32Array | null;

/** Compiled kernels and their bind groups. A process asks for few kernels: what only changes a size is a uniform word. */
export class Pipelines {
  readonly #gpu: GPUDevice;
  readonly #counters: Counters;
  readonly #failure: Failure;
  readonly #wait: Wait;
  readonly #pipelines = new Map<Kernel, GPUComputePipeline>();
  readonly #modules = new Map<string, GPUShaderModule>();

  constructor(gpu: GPUDevice, counters: Counters, failure: Failure, wait: Wait) {
    this.#gpu = gpu;
    this.#counters = counters;
    this.#failure = failure;
    this.#wait = wait;
  }

  /** The pipeline of a kernel, compiled on first use. */
  get(kernel: Kernel): GPUComputePipeline {
    let pipeline = this.#pipelines.get(kernel);
    if (!pipeline) {
      pipeline = this.#guard(() => this.#gpu.createComputePipeline(this.#descriptor(kernel)));
      this.#keep(kernel, pipeline);
    }
    return pipeline;
  }

  /** Compiles several kernels in parallel without blocking. */
  async prepare(kernels: Iterable<Kernel>): Promise<void> {
    const missing = [...new Set(kernels)].filter((kernel) => !this.#pipelines.has(kernel));
    await Promise.all(
      missing.map(async (kernel) => {
        const made = this.#guard(() => this.#gpu.createComputePipelineAsync(this.#descriptor(kernel)));
        this.#keep(kernel, await this.#wait(made));
      }),
    );
  }

  #guard<T>(action: () => T): T {
    return this.#failure.guard(action, { internal: gpuError });
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

  /** A bind group for a kernel, its words in `uniforms`. */
  bind(kernel: Kernel, resources: readonly Resource[], uniforms: Uniforms): GPUBindGroup {
    const entries = resources.flatMap((resource, binding) => {
      if (!resource) return [];
      return [{ binding, resource: resource instanceof Uint32Array ? uniforms.binding(resource) : resource }];
    });
    this.#counters.bindGroupsCreated++;
    const layout = this.get(kernel).getBindGroupLayout(0);
    return this.#gpu.createBindGroup({ label: kernel.entry, layout, entries });
  }
}

/** The buffers behind a kernel's bindings. Throws one sentence if a tensor has none. */
export const resourcesOf = (kernel: Kernel, bindings: readonly Bound[]): Resource[] =>
  bindings.map((bound) => {
    if (!bound || bound instanceof Uint32Array) return bound;
    const { storage, offset, bytes } = bound;
    return { buffer: storage.use(kernel.label), offset, size: Math.ceil(bytes / 16) * 16 };
  });
