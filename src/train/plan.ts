import { capture } from "../engine/capture/compile.ts";
import { type Command, isRange } from "../engine/gpu/command.ts";
import { Device } from "../engine/gpu/device.ts";
import { LimitError } from "../engine/gpu/memory.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { DeviceImages } from "./deviceImages.ts";
import { methodOf, type RunSettings } from "./run.ts";
import { Trainer, type TrainerOptions } from "./trainer.ts";

export interface PlanOptions extends TrainerOptions {
  /** Bytes the device may hold, where that is known; WebGPU does not tell. */
  memory?: number;
  /** Leave the picture set out, because nobody knows it yet. */
  withoutImages?: boolean;
}

/** What a run will hold and do on a device; sizes in bytes. */
export interface RunPlan {
  batchSize: number;
  /** Number of values in all networks, a teacher's among them. */
  parameterCount: number;
  networks: number;
  parameters: number;
  gradients: number;
  /** The optimiser's moments. */
  optimizer: number;
  /** The picture set on the device; null when it was left out. */
  images: number | null;
  /** Inputs of a step, tables and the metric ring. */
  other: number;
  /** Everything that lives inside one step: activations, and gradients of activations. */
  activations: number;
  /** The most of them that is alive at once: no plan can need less. */
  lowerBound: number;
  total: number;
  dispatches: number;
  /** Floating point operations of a step, as far as kernels declare them: products of matrices, attention, the optimiser. */
  flops: number;
  /** Different kernels, each compiled once. */
  kernels: number;
  /** The largest tensor a kernel binds, and the kernel's name. */
  largestBinding: { kernel: string; bytes: number };
  /** The longest side of a dispatch, in workgroups. */
  longestGrid: { kernel: string; workgroups: number };
}

/**
 * What a run of these settings needs, found by capturing its step on a device that only plans: nothing is allocated,
 * compiled or computed. Throws a `LimitError` if the adapter, or `memory`, does not allow it.
 */
export function planRun(device: Device, settings: RunSettings, options: PlanOptions = {}): RunPlan {
  const { limits } = device;
  const { batchSize } = settings;
  checkPictures(settings, limits.maxStorageBufferBindingSize);
  const planning = Device.planning(device);
  const { memory = Number.POSITIVE_INFINITY, withoutImages = false } = options;
  const shown = withoutImages ? { ...settings.data, count: 1 } : settings.data;
  const images = DeviceImages.allocate(planning, shown);
  const trainer = new Trainer(planning, settings, images, options);
  const { commands, memory: layout } = capture(planning, () => trainer.record());
  for (const { bytes } of layout.slots) planning.allocator.createStorage(bytes, "step");

  const { trained, optimizer } = trainer;
  const networks = Object.values(trainer.networks);
  const total = planning.counters.bytesHeld;
  const sizes = {
    parameters: bytesOf(networks.flatMap(({ values }) => values)),
    gradients: bytesOf(trained.gradients ?? []),
    optimizer: bytesOf(Object.values(optimizer.state).flat()),
    images: withoutImages ? null : images.bytes,
    activations: layout.bytes,
  };
  if (total > memory) {
    throw new LimitError(`memory: this machine has ${memory} bytes for the device; the run needs ${total}`);
  }
  return {
    batchSize,
    parameterCount: networks.reduce((sum, network) => sum + network.count(), 0),
    networks: networks.length,
    ...sizes,
    other: total - Object.values(sizes).reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0),
    lowerBound: layout.lowerBound,
    total,
    ...workOf(commands),
  };
}

const bytesOf = (tensors: readonly Tensor[]): number => tensors.reduce((sum, { bytes }) => sum + bytes, 0);

/** The largest crops of a step, f32 [views B, size, size, 3], before any list of that length is made on the host. */
function checkPictures(settings: RunSettings, limit: number): void {
  const { views } = methodOf(settings);
  const bytes = Math.max(...views.map(({ size, count }) => count * settings.batchSize * size ** 2 * 3 * 4));
  if (bytes > limit) {
    throw new LimitError(
      `cropPictures: this adapter binds at most ${limit} bytes at once; got a tensor of ${bytes}`,
    );
  }
}

/** What the dispatches of a step come to. */
function workOf(commands: readonly Command[]) {
  const dispatches = commands.filter((command) => command.kind === "dispatch");
  const largestBinding = { kernel: "", bytes: 0 };
  const longestGrid = { kernel: "", workgroups: 0 };
  for (const { kernel, bindings, workgroups } of dispatches) {
    const bytes = Math.max(0, ...bindings.filter(isRange).map((range) => range.bytes));
    if (bytes > largestBinding.bytes) Object.assign(largestBinding, { kernel: kernel.entry, bytes });
    const longest = Math.max(...workgroups);
    if (longest > longestGrid.workgroups)
      Object.assign(longestGrid, { kernel: kernel.entry, workgroups: longest });
  }
  const kernels = new Set(dispatches.map(({ kernel }) => kernel)).size;
  const flops = dispatches.reduce((sum, { work }) => sum + (work?.flops ?? 0), 0);
  return { dispatches: dispatches.length, flops, kernels, largestBinding, longestGrid };
}

/** The batches that a run's method takes, up to that of the settings: the smallest, and from one to the next. */
export function batchesOf(settings: RunSettings): { least: number; unit: number } {
  const isTaken = (batchSize: number): boolean => {
    try {
      methodOf({ ...settings, batchSize });
      return true;
    } catch {
      return false; // the settings were good, so it is the batch
    }
  };
  const next = (from: number): number => {
    let batch = from;
    while (batch < settings.batchSize && !isTaken(batch)) batch++;
    return batch;
  };
  const least = next(1);
  return { least, unit: Math.max(1, next(least + 1) - least) };
}

/** The largest batch below that of the settings which a device allows, 0 if none: about log2(batch) captures. */
export function largestBatch(device: Device, settings: RunSettings, options: PlanOptions = {}): number {
  const { least, unit } = batchesOf(settings);
  const batchAt = (step: number): number => least + step * unit;
  let [fits, fails] = [-1, Math.ceil((settings.batchSize - least) / unit)];
  while (fails - fits > 1) {
    const step = Math.floor((fits + fails) / 2);
    if (isPossible(device, { ...settings, batchSize: batchAt(step) }, options)) fits = step;
    else fails = step;
  }
  return fits < 0 ? 0 : batchAt(fits);
}

function isPossible(device: Device, settings: RunSettings, options: PlanOptions): boolean {
  try {
    planRun(device, settings, options);
    return true;
  } catch (error) {
    if (error instanceof LimitError) return false;
    throw error;
  }
}
