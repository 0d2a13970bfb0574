import { type Bound, isRange, type Meaning, type Recorder, type Work, type Workgroups } from "./command.ts";
import { type Counters, newCounters } from "./counters.ts";
import { Eager } from "./eager.ts";
import { DeviceLostError, Failure, gpuError } from "./failure.ts";
import type { Kernel } from "./kernel.ts";
import { leavesOf } from "./leaves.ts";
import { Allocator, BUFFER_USAGE, LimitError, type Storage } from "./memory.ts";
import { Pipelines } from "./pipelines.ts";
import { planningGpu } from "./planningGpu.ts";
import { overlaps, type Range } from "./range.ts";
import { selfTest, subgroupsAreRuns } from "./selfTest.ts";
import { type GemmMethod, Tuning } from "./tuning.ts";
import type { Wait } from "./wait.ts";

/**
 * What matrix products multiply: f32, or operands rounded to f16 on their way in, with f32 sums. All tensors are f32 and
 * everything else is computed in f32 either way.
 */
export type Precision = "f32" | "f16";

/** What products by subgroup matrices need of an adapter; Dawn has it by the toggle `allow_unsafe_apis`. */
const MATRIX_FEATURE = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

export interface DeviceOptions {
  /**
   * f32 when absent. f16 computes the same on every adapter, by f32 arithmetic and no faster; `openMatrices` makes it fast
   * where there are subgroup matrices.
   */
  precision?: Precision;
  /** Ask for timestamp queries; they cost time even when unused, so only a profiler does. */
  timestamps?: boolean;
  powerPreference?: GPUPowerPreference;
  /** Use only kernels that need no subgroups, to test or compare them. */
  portable?: boolean;
  wait?: Wait;
}

/** What a kernel can be chosen by. */
export interface Capabilities {
  subgroups: boolean;
  /**
   * Lanes per subgroup when the adapter has exactly one size and consecutive lanes of a workgroup share a subgroup
   * (the self-test checks it); 0 otherwise.
   */
  subgroupSize: number;
  f16: boolean;
  timestamps: boolean;
  /** Products by subgroup matrices that `openMatrices` found right on this adapter, large tiles first. */
  matrices: readonly GemmMethod[];
  /** The names of those that it found wrong, which are never used. */
  refused: readonly string[];
}

/** What is known where a caller's `GPUDevice` does not say: older browsers have no `GPUDevice.adapterInfo`. */
const UNKNOWN = { vendor: "", architecture: "", device: "", description: "" } as GPUAdapterInfo;

/** What a device is besides its `GPUDevice`. */
interface Nature {
  precision?: Precision | undefined;
  /** The adapter's, which alone lists subgroup matrices; the device's own where the adapter is not known. */
  info?: GPUAdapterInfo;
  wait?: Wait | undefined;
  plansOnly?: boolean;
}

/** A WebGPU device with the engine's memory, pipelines and recorder. All tensors belong to one. */
export class Device {
  readonly gpu: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly limits: GPUSupportedLimits;
  capabilities: Capabilities;
  readonly precision: Precision;
  readonly counters: Counters = newCounters();
  /** Which of several equal kernels runs; the shipped choices until `tune` or a cache says otherwise. */
  tuning = new Tuning();
  readonly allocator: Allocator;
  readonly pipelines: Pipelines;
  readonly eager: Eager;
  /** Whether this device only plans: tensors have sizes and no contents, and nothing runs. */
  readonly plansOnly: boolean;
  /** What every wait for the GPU goes through. */
  readonly wait: Wait;
  readonly #owned: boolean;
  /** Kept alive: Dawn aborts when a GPU object is collected while a device of its lives. */
  readonly source: GPU | GPUDevice;
  #recorder: Recorder;
  readonly #failure: Failure;

  private constructor(gpu: GPUDevice, source: GPU | GPUDevice, nature: Nature = {}) {
    const { precision = "f32", info = gpu.adapterInfo ?? UNKNOWN, wait, plansOnly = false } = nature;
    this.gpu = gpu;
    this.source = source;
    this.precision = precision;
    this.plansOnly = plansOnly;
    this.wait = wait ?? ((work) => work);
    this.#owned = gpu !== source;
    this.info = info;
    this.limits = gpu.limits;
    const { subgroupMinSize: least, subgroupMaxSize: most } = this.info;
    const subgroups = gpu.features.has("subgroups");
    this.capabilities = {
      subgroups,
      subgroupSize: subgroups && least !== undefined && least === most ? least : 0,
      f16: gpu.features.has("shader-f16"),
      timestamps: gpu.features.has("timestamp-query"),
      matrices: [],
      refused: [],
    };
    const { counters } = this;
    const failure = new Failure(gpu);
    this.#failure = failure;
    const submit = () => this.eager.flush();
    this.allocator = new Allocator({ gpu, counters, failure, wait: this.wait, submit });
    this.pipelines = new Pipelines(gpu, counters, failure, this.wait);
    const { allocator, pipelines } = this;
    this.eager = new Eager({ gpu, allocator, pipelines, counters, failure });
    this.#recorder = this.eager;
    gpu.lost.then(({ reason, message }) => {
      failure.note(new DeviceLostError(`device lost (${reason}): ${message}`));
    });
    // On a caller's device such an error is the caller's: ours are caught in scopes, one for each call.
    if (this.#owned) gpu.addEventListener("uncapturederror", ({ error }) => failure.note(gpuError(error)));
  }

  /**
   * Opens a device on a `GPU` object (browser: `navigator.gpu`; Node: Dawn's `create([])`), with the limits on buffers and
   * workgroups raised to what the adapter has; or wraps a caller's own `GPUDevice`, which is then never destroyed by us. A
   * small kernel is run and read back first: an adapter that computes nothing (Dawn's null backend) is refused. What goes
   * wrong on the GPU later, a `GpuError` (`OutOfMemoryError` among them) or `DeviceLostError`, is the end of the device:
   * whatever is asked of it from then on throws the same error. Open another one.
   */
  static async open(gpu: GPU | GPUDevice, options: DeviceOptions = {}): Promise<Device> {
    const opened = "requestAdapter" in gpu ? await requestDevice(gpu, options) : { device: gpu };
    const device = new Device(opened.device, gpu, { ...options, ...opened });
    try {
      await selfTest(device);
      const { subgroupSize } = device.capabilities;
      if (subgroupSize > 0 && (options.portable || !(await subgroupsAreRuns(device, subgroupSize)))) {
        device.capabilities = { ...device.capabilities, subgroupSize: 0 };
      }
      return device;
    } catch (error) {
      device.destroy();
      throw error;
    }
  }

  /**
   * A device with another's limits and kernels that only plans: steps can be captured on it, its counters say what
   * would be held, and no memory is taken.
   */
  static planning({ gpu, info, precision, capabilities, tuning }: Device): Device {
    const hollow = planningGpu(gpu);
    const device = new Device(hollow, hollow, { info, precision, plansOnly: true });
    device.capabilities = capabilities;
    device.tuning = tuning;
    return device;
  }

  /** Throws the first error the GPU reported, if any. */
  check(): void {
    this.#failure.check();
  }

  /** Runs `action`, which must not wait; what the GPU says against it becomes the error of this device. */
  guard<T>(action: () => T): T {
    return this.#failure.guard(action);
  }

  /** Runs `action` with every command and allocation going to `recorder`. */
  recordTo<T>(recorder: Recorder, action: () => T): T {
    if (this.isCapturing)
      throw new Error("compile: a step is being captured already; compile steps one at a time");
    this.#recorder = recorder;
    try {
      return action();
    } finally {
      this.#recorder = this.eager;
    }
  }

  get isCapturing(): boolean {
    return this.#recorder !== this.eager;
  }

  allocate(bytes: number): Storage {
    return this.#recorder.allocate(bytes);
  }

  /** Records one dispatch. `bindings` follow the kernel's binding numbers from 0; the rest is for profiler and fusion. */
  run(
    kernel: Kernel,
    bindings: readonly Bound[],
    workgroups: number | Workgroups,
    { elementwise, constant, ...work }: Work & Meaning = {},
  ): void {
    const [x, y, z] = typeof workgroups === "number" ? flatGroups(workgroups) : workgroups;
    if (x === 0 || y === 0 || z === 0) return;
    const most = this.limits.maxComputeWorkgroupsPerDimension;
    if (x > most || y > most || z > most) {
      throw new LimitError(
        `${kernel.label}: this adapter runs ${most} workgroups per dimension; got [${x}, ${y}, ${z}]`,
      );
    }
    for (const { bytes } of bindings.filter(isRange)) this.#checkBinding(kernel.label, bytes);
    this.#recorder.record({
      kind: "dispatch",
      kernel,
      bindings,
      workgroups: [x, y, z],
      work,
      elementwise,
      constant,
    });
  }

  /** Copies the bytes of a range to another of the same size, in another storage. */
  copy(from: Range, to: Range): void {
    if (from.bytes !== to.bytes) {
      throw new Error(`copy: both ranges must have the same size; got ${from.bytes} and ${to.bytes} bytes`);
    }
    if (from.storage === to.storage) {
      const which = overlaps(from, to) ? "two that overlap" : "two of one storage";
      throw new Error(
        `copy: WebGPU copies between different buffers alone; got ${which}. Copy to a new tensor first`,
      );
    }
    this.#recorder.record({ kind: "copy", from, to });
  }

  clear(target: Range): void {
    this.#recorder.record({ kind: "clear", target });
  }

  /** Replaces the bytes of a range, in queue order: work recorded before sees the old ones. */
  write({ storage, offset, bytes: room }: Range, bytes: ArrayBufferView<ArrayBuffer>): void {
    const buffer = storage.use("Tensor.write");
    if (bytes.byteLength > room) {
      throw new Error(`write: the range holds ${room} bytes; got ${bytes.byteLength}`);
    }
    this.eager.flush();
    this.guard(() => this.gpu.queue.writeBuffer(buffer, offset, bytes));
  }

  /** Waits for the GPU and copies the bytes of a range out. */
  async read({ storage, offset, bytes }: Range): Promise<ArrayBuffer> {
    const buffer = storage.use("Tensor.read");
    this.eager.flush();
    this.check();
    const { gpu, allocator } = this;
    const staging = allocator.create(bytes, BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST, "read");
    const mapped = this.guard(() => {
      const encoder = gpu.createCommandEncoder({ label: "read" });
      encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
      gpu.queue.submit([encoder.finish()]);
      return staging.mapAsync(1); // GPUMapMode.READ
    });
    this.counters.readbacks++;
    try {
      await this.wait(mapped);
      await this.#failure.settled();
      this.check();
      return staging.getMappedRange().slice(0);
    } catch (error) {
      this.check();
      throw error;
    } finally {
      allocator.destroy(staging);
    }
  }

  /** Gives a storage's memory back at once; no tensor over it may be used again. */
  release(storage: Storage): void {
    this.eager.release(storage);
  }

  #checkBinding(entry: string, bytes: number): void {
    const limit = this.limits.maxStorageBufferBindingSize;
    if (bytes > limit) {
      throw new LimitError(
        `${entry}: this adapter binds at most ${limit} bytes at once; got a tensor of ${bytes}`,
      );
    }
  }

  /**
   * Runs `action`, which must not wait, and releases the memory of every tensor it made, except those it returns: one, or
   * arrays and plain records of them to any depth. Inside a captured step, whose memory is planned, nothing is released.
   */
  tidy<T>(action: () => T): T {
    if (!this.isCapturing) return this.eager.tidy(action);
    const result = action();
    leavesOf("tidy", result);
    return result;
  }

  /** Waits for all submitted work, then throws if any of it failed. */
  async finish(): Promise<void> {
    this.eager.flush();
    await this.wait(this.gpu.queue.onSubmittedWorkDone());
    await this.#failure.settled();
    this.check();
  }

  /** Destroys the GPU device if this object opened it; a caller's own device stays alive. */
  destroy(): void {
    if (!this.#owned) return;
    // Said at once: a browser rejects the reads under way before `lost` resolves.
    this.#failure.note(new DeviceLostError("device lost (destroyed): Device.destroy was called"));
    this.gpu.destroy();
  }
}

/** Workgroups in a dimension by WebGPU's default limit, so that a grid is the same on every adapter. */
export const MOST_GROUPS = 65_535;

/**
 * Workgroup counts for a one-dimensional grid of any length: [x, y, 1] with x * y >= count. Kernels recover the flat
 * index with `flat_workgroup` (grid.wgsl) and guard the surplus.
 */
export function flatGroups(count: number): Workgroups {
  if (count <= MOST_GROUPS) return [count, 1, 1];
  const rows = Math.ceil(count / MOST_GROUPS);
  return [Math.ceil(count / rows), rows, 1];
}

async function requestDevice(
  gpu: GPU,
  options: DeviceOptions,
): Promise<{ device: GPUDevice; info: GPUAdapterInfo }> {
  const { powerPreference = "high-performance" } = options;
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (!adapter) {
    throw new Error(
      "Device.open: no WebGPU adapter found. In Node, install a Vulkan driver; in a browser, enable WebGPU",
    );
  }
  const wanted: GPUFeatureName[] = ["subgroups", "shader-f16"];
  if (options.precision === "f16") wanted.push(MATRIX_FEATURE);
  if (options.timestamps) wanted.push("timestamp-query");
  const requiredLimits: Record<string, number> = {};
  for (const name of RAISED_LIMITS) requiredLimits[name] = adapter.limits[name];
  const device = await adapter.requestDevice({
    label: "partwise",
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
    requiredLimits,
  });
  return { device, info: adapter.info };
}

const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupsPerDimension",
] as const;
