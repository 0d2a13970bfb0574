import type { Command, Recorder } from "../gpu/command.ts";
import type { Device } from "../gpu/device.ts";
import { encodeTransfer } from "../gpu/eager.ts";
import { Storage } from "../gpu/memory.ts";
import type { Tensor } from "../graph/tensor.ts";
import { fuseWithinMemory } from "./fuse.ts";
import { type MemoryPlan, planMemory } from "./memoryPlan.ts";
import { type Prepared, workOf } from "./prepared.ts";
import { type TimedDispatch, timeCommands } from "./timing.ts";

export type Outputs = Record<string, Tensor>;

/** Collects the commands of one run of a step function. */
class Capture implements Recorder {
  readonly commands: Command[] = [];
  readonly transient = new Set<Storage>();

  record(command: Command): void {
    this.commands.push(command);
  }

  allocate(bytes: number): Storage {
    const storage = new Storage(bytes, null, false);
    this.transient.add(storage);
    return storage;
  }
}

/** A captured step: `run` submits it again with whatever its persistent inputs hold by then. */
export class CompiledStep<Out extends Outputs> {
  readonly outputs: Out;
  readonly memory: MemoryPlan;
  readonly #device: Device;
  readonly #commands: readonly Prepared[];
  readonly #buffers: readonly GPUBuffer[];

  constructor(
    device: Device,
    outputs: Out,
    memory: MemoryPlan,
    commands: readonly Prepared[],
    buffers: readonly GPUBuffer[],
  ) {
    this.#device = device;
    this.outputs = outputs;
    this.memory = memory;
    this.#commands = commands;
    this.#buffers = buffers;
  }

  /** Dispatches per run. */
  get dispatches(): number {
    return this.#commands.filter(({ kind }) => kind === "dispatch").length;
  }

  /** One submit: no buffer, bind group or pipeline is created, nothing is read back, nothing is waited for. */
  run(): Out {
    const { gpu, eager, counters } = this.#device;
    this.#device.check();
    eager.flush();
    gpu.pushErrorScope("validation");
    const encoder = gpu.createCommandEncoder({ label: "step" });
    this.#encode(encoder);
    gpu.queue.submit([encoder.finish()]);
    counters.submits++;
    eager.watch(gpu.popErrorScope());
    return this.outputs;
  }

  /** Runs the step once with a timestamp around every dispatch. */
  timeDispatches(): Promise<TimedDispatch[]> {
    return timeCommands(this.#device, this.#commands);
  }

  #encode(encoder: GPUCommandEncoder): void {
    let pass: GPUComputePassEncoder | null = null;
    let current: GPUComputePipeline | null = null;
    for (const command of this.#commands) {
      if (command.kind === "dispatch") {
        if (!pass) {
          pass = encoder.beginComputePass({ label: "step" });
          current = null;
        }
        if (command.pipeline !== current) pass.setPipeline(command.pipeline);
        current = command.pipeline;
        pass.setBindGroup(0, command.group);
        pass.dispatchWorkgroups(...command.workgroups);
        this.#device.counters.dispatches++;
      } else {
        pass?.end();
        pass = null;
        encodeTransfer(encoder, command);
      }
    }
    pass?.end();
  }

  /** Frees the step's memory after a fence. The outputs must not be used again. */
  async dispose(): Promise<void> {
    await this.#device.finish();
    for (const buffer of this.#buffers) this.#device.allocator.destroy(buffer);
  }
}

export interface CompileOptions {
  /** Whether elementwise dispatches that follow from each other become one (the default). The bits are the same. */
  fuse?: boolean;
}

/** A recorded step before anything was made for it. */
export interface Captured<Out extends Outputs> {
  readonly outputs: Out;
  readonly commands: readonly Command[];
  readonly memory: MemoryPlan;
}

/** Runs `step` once with recording on and plans its memory. Creates no buffer and no pipeline, computes nothing. */
export function capture<Out extends Outputs>(
  device: Device,
  step: () => Out,
  options: CompileOptions = {},
): Captured<Out> {
  const recorder = new Capture();
  const outputs = device.recordTo(recorder, step);
  const { transient } = recorder;
  const kept = new Set(Object.values(outputs).map((tensor) => tensor.storage));
  const bindings = device.limits.maxStorageBuffersPerShaderStage;
  const { commands, memory } =
    options.fuse === false
      ? { commands: recorder.commands, memory: planMemory(recorder.commands, transient, kept) }
      : fuseWithinMemory(recorder.commands, { transient, kept, bindings });
  return { outputs: detach(outputs), commands, memory };
}

/**
 * Runs `step` once with recording on, plans its memory, compiles its kernels in parallel and returns it ready to be
 * run any number of times. The capture itself computes nothing. Tensors made inside exist only inside, except those
 * returned; tensors from outside (parameters, data, step values) are read and written in place by every run, so
 * whatever changes from step to step must be one of them.
 */
export async function compile<Out extends Outputs>(
  device: Device,
  step: () => Out,
  options: CompileOptions = {},
): Promise<CompiledStep<Out>> {
  const { outputs, commands, memory } = capture(device, step, options);
  await device.pipelines.prepare(commands.flatMap((c) => (c.kind === "dispatch" ? [c.kernel] : [])));
  const buffers = memory.slots.map(({ bytes, tenants }) => {
    const buffer = device.allocator.createStorage(bytes, "step");
    for (const { storage } of tenants) storage.buffer = buffer;
    return buffer;
  });
  const prepared = commands.map((command): Prepared => {
    if (command.kind !== "dispatch") return command;
    const { kernel, bindings, workgroups } = command;
    const pipeline = device.pipelines.get(kernel);
    return {
      kind: "dispatch",
      label: kernel.label,
      pipeline,
      group: device.pipelines.bind(kernel, bindings),
      workgroups,
      work: workOf(command),
    };
  });
  return new CompiledStep(device, outputs, memory, prepared, buffers);
}

/** Forgets the graph behind the outputs, so that the captured tensors can be collected. */
function detach<Out extends Outputs>(outputs: Out): Out {
  for (const tensor of Object.values(outputs)) tensor.origin = null;
  return outputs;
}
