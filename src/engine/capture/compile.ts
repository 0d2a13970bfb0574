import { type Command, placed, type Recorder, touched } from "../gpu/command.ts";
import type { Device } from "../gpu/device.ts";
import { encode } from "../gpu/encode.ts";
import { leavesOf } from "../gpu/leaves.ts";
import { Storage } from "../gpu/memory.ts";
import { resourcesOf } from "../gpu/pipelines.ts";
import { Uniforms } from "../gpu/uniforms.ts";
import { recordedSoFar, Tensor, type Tensors } from "../graph/tensor.ts";
import { fuseWithinMemory } from "./fuse.ts";
import { type MemoryPlan, planMemory } from "./memoryPlan.ts";
import { type Prepared, workOf } from "./prepared.ts";
import { type TimedDispatch, timeCommands } from "./timing.ts";

/** Named tensors, the usual outputs of a step. */
export type Outputs = Record<string, Tensor>;

/** Collects the commands of one run of a step function. */
class Capture implements Recorder {
  readonly commands: Command[] = [];
  readonly transient = new Set<Storage>();

  record(command: Command): void {
    const who = command.kind === "dispatch" ? command.kernel.label : command.kind;
    for (const { storage } of touched(command)) if (!this.transient.has(storage)) storage.use(who);
    this.commands.push(command);
  }

  allocate(bytes: number): Storage {
    const storage = new Storage(bytes, null, false);
    this.transient.add(storage);
    return storage;
  }
}

/** What a captured step has of its own on the device. */
interface Holdings {
  buffers: GPUBuffer[];
  uniforms: Uniforms;
  /** The memory of tensors that the step function filled from the host. */
  tables: ReadonlySet<Storage>;
}

/** A captured step: `run` submits it again with whatever its persistent inputs hold by then. */
export class CompiledStep<Out extends Tensors> {
  readonly outputs: Out;
  readonly memory: MemoryPlan;
  /** Dispatches per run. */
  readonly dispatches: number;
  readonly #device: Device;
  readonly #commands: readonly Prepared[];
  readonly #holdings: Holdings;
  /** The memory of others that the step reads and writes. */
  readonly #outside: readonly Storage[];
  #disposed = false;

  constructor(device: Device, captured: Captured<Out>, commands: readonly Prepared[], holdings: Holdings) {
    this.#device = device;
    this.outputs = captured.outputs;
    this.memory = captured.memory;
    this.dispatches = commands.filter(({ kind }) => kind === "dispatch").length;
    this.#commands = commands;
    this.#holdings = holdings;
    const own = new Set(
      captured.memory.slots.flatMap(({ tenants }) => tenants.map(({ storage }) => storage)),
    );
    const all = captured.commands.flatMap((command) => touched(command).map(({ storage }) => storage));
    this.#outside = [...new Set(all)].filter((storage) => !own.has(storage));
  }

  /**
   * One submit: no buffer, bind group or pipeline is created, nothing is read back, nothing is waited for. Throws if the
   * step or a tensor from outside that it works on was disposed.
   */
  run(): Out {
    this.#check("CompiledStep.run");
    const { eager, counters } = this.#device;
    eager.flush();
    this.#device.guard(this.#submit);
    counters.submits++;
    counters.dispatches += this.dispatches;
    return this.outputs;
  }

  readonly #submit = (): void => {
    const { gpu } = this.#device;
    const encoder = gpu.createCommandEncoder({ label: "step" });
    encode(encoder, this.#commands, "step");
    gpu.queue.submit([encoder.finish()]);
  };

  /** Runs the step once with a timestamp around every dispatch. */
  async timeDispatches(): Promise<TimedDispatch[]> {
    this.#check("CompiledStep.timeDispatches");
    return timeCommands(this.#device, this.#commands);
  }

  /** Throws one sentence if the memory that the step works on is no longer all its. */
  #check(where: string): void {
    this.#device.check();
    if (this.#disposed)
      throw new Error(`${where}: the step must be alive; it was disposed. Compile it again`);
    for (const storage of this.#outside) {
      if (!storage.released) continue;
      throw new Error(
        `${where}: every tensor from outside that the step works on must be alive; one of ${storage.bytes} bytes was ` +
          "disposed. Keep it as long as the step, or compile again with another",
      );
    }
  }

  /** Frees the step's memory after a fence. Neither the step nor its outputs can be used again. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#device.eager.flush();
    release(this.memory);
    try {
      await this.#device.finish();
    } finally {
      giveBack(this.#device, this.#holdings);
    }
  }
}

/** Ends the life of the tensors inside a step. */
function release({ slots }: MemoryPlan): void {
  for (const { tenants } of slots) for (const { storage } of tenants) storage.release();
}

/** Gives back what a step has; all work that uses it has been submitted. */
function giveBack(device: Device, { buffers, uniforms, tables }: Holdings): void {
  for (const buffer of buffers) device.allocator.destroy(buffer);
  uniforms.destroy();
  for (const storage of tables) device.release(storage);
}

export interface CompileOptions {
  /** Whether elementwise dispatches that follow from each other become one (the default). The bits are the same. */
  fuse?: boolean;
}

/** A recorded step before anything was made for it. */
export interface Captured<Out extends Tensors> {
  readonly outputs: Out;
  readonly commands: readonly Command[];
  readonly memory: MemoryPlan;
  /** The memory of tensors that the step function filled from the host, held already: `Device.release` gives it back. */
  readonly tables: ReadonlySet<Storage>;
}

/**
 * Runs `step` once with recording on and plans its memory. Computes nothing and creates no pipeline; the only buffers are
 * `tables`, which become the caller's: of each `Tensor.from` in the step.
 */
export function capture<Out extends Tensors>(
  device: Device,
  step: () => Out,
  options: CompileOptions = {},
): Captured<Out> {
  const recorder = new Capture();
  const start = recordedSoFar();
  const { result, made: tables } = device.eager.collect(() => {
    const outputs = device.recordTo(recorder, step);
    return { outputs, leaves: leavesOf("compile", outputs) };
  });
  const { outputs, leaves } = result;
  const { transient } = recorder;
  const kept = new Set(leaves.map(({ storage }) => storage));
  const bindings = device.limits.maxStorageBuffersPerShaderStage;
  const { commands, memory } =
    options.fuse === false
      ? { commands: recorder.commands, memory: planMemory(recorder.commands, transient, kept) }
      : fuseWithinMemory(recorder.commands, { transient, kept, bindings });
  // The graph made inside is forgotten, so that the captured tensors can be collected; that of others is theirs.
  for (const leaf of leaves) {
    if (leaf instanceof Tensor && leaf.origin && leaf.origin.serial >= start) leaf.origin = null;
  }
  return { outputs, commands, memory, tables };
}

/**
 * Runs `step` once with recording on, plans its memory, compiles its kernels in parallel and returns it ready to be
 * run any number of times. The capture itself computes nothing. Tensors made inside exist only inside, except those
 * returned, in arrays and plain records to any depth; tensors from outside (parameters, data, step values) are read and
 * written in place by every run, so whatever changes from step to step must be one of them. They must live as long.
 */
export async function compile<Out extends Tensors>(
  device: Device,
  step: () => Out,
  options: CompileOptions = {},
): Promise<CompiledStep<Out>> {
  const captured = capture(device, step, options);
  const { commands, memory, tables } = captured;
  const { gpu, allocator, pipelines } = device;
  const holdings: Holdings = { buffers: [], uniforms: new Uniforms(gpu, allocator), tables };
  try {
    await pipelines.prepare(commands.flatMap((c) => (c.kind === "dispatch" ? [c.kernel] : [])));
    for (const { bytes, tenants } of memory.slots) {
      const buffer = allocator.createStorage(bytes, "step");
      holdings.buffers.push(buffer);
      for (const { storage } of tenants) storage.buffer = buffer;
    }
    const prepared = device.guard(() => commands.map((c) => prepare(device, c, holdings.uniforms)));
    return new CompiledStep(device, captured, prepared, holdings);
  } catch (error) {
    release(memory);
    giveBack(device, holdings);
    throw error;
  }
}

/** A command with its GPU objects. */
function prepare({ pipelines }: Device, command: Command, uniforms: Uniforms): Prepared {
  if (command.kind !== "dispatch") return placed(command);
  const { kind, kernel, bindings, workgroups } = command;
  return {
    kind,
    label: kernel.label,
    pipeline: pipelines.get(kernel),
    group: pipelines.bind(kernel, resourcesOf(kernel, bindings), uniforms),
    workgroups,
    work: workOf(command),
  };
}
