// What a program asks of WebGPU, whichever library makes the calls: the prototypes themselves are watched.

/** Calls since the start of the process, and bytes of buffers. */
export interface GpuCalls {
  submits: number;
  dispatches: number;
  buffers: number;
  bindGroups: number;
  pipelines: number;
  /** Bytes of buffers created and not destroyed. */
  bytesHeld: number;
  /** The largest value `bytesHeld` has had. */
  bytesPeak: number;
  /** Time spent inside `GPUQueue.submit`. */
  submitMs: number;
}

/** The WebGPU classes of a runtime: `globals` of the package `webgpu`, or a browser's global scope. */
export type GpuClasses = Record<
  "GPUQueue" | "GPUDevice" | "GPUBuffer" | "GPUComputePassEncoder",
  { prototype: object }
>;

type Method = (this: object, ...args: unknown[]) => unknown;

/** Puts a method in place of one of a prototype; it is handed the original. */
function replace(owner: { prototype: object }, name: string, wrap: (original: Method) => Method): void {
  const prototype = owner.prototype as Record<string, Method>;
  const original = prototype[name];
  if (typeof original !== "function") throw new Error(`watchGpuCalls: ${name} must be a method; it is not`);
  prototype[name] = wrap(original);
}

/** Counts all calls from now on, of every device. Called once in a process; the numbers are live. */
export function watchGpuCalls(classes: GpuClasses): GpuCalls {
  const calls: GpuCalls = {
    submits: 0,
    dispatches: 0,
    buffers: 0,
    bindGroups: 0,
    pipelines: 0,
    bytesHeld: 0,
    bytesPeak: 0,
    submitMs: 0,
  };
  const alive = new WeakMap<object, number>();
  const counted = (count: () => void) => (original: Method) =>
    function (this: object, ...args: unknown[]) {
      count();
      return original.apply(this, args);
    };
  const pass = classes.GPUComputePassEncoder;
  replace(
    pass,
    "dispatchWorkgroups",
    counted(() => calls.dispatches++),
  );
  replace(
    pass,
    "dispatchWorkgroupsIndirect",
    counted(() => calls.dispatches++),
  );
  for (const name of ["createComputePipeline", "createComputePipelineAsync"]) {
    replace(
      classes.GPUDevice,
      name,
      counted(() => calls.pipelines++),
    );
  }
  replace(
    classes.GPUDevice,
    "createBindGroup",
    counted(() => calls.bindGroups++),
  );
  replace(
    classes.GPUQueue,
    "submit",
    (original) =>
      function (this: object, ...args) {
        const start = performance.now();
        const result = original.apply(this, args);
        calls.submitMs += performance.now() - start;
        calls.submits++;
        return result;
      },
  );
  replace(
    classes.GPUDevice,
    "createBuffer",
    (original) =>
      function (this: object, ...args) {
        const buffer = original.apply(this, args) as object;
        const { size } = args[0] as { size: number };
        alive.set(buffer, size);
        calls.buffers++;
        calls.bytesHeld += size;
        calls.bytesPeak = Math.max(calls.bytesPeak, calls.bytesHeld);
        return buffer;
      },
  );
  replace(
    classes.GPUBuffer,
    "destroy",
    (original) =>
      function (this: object, ...args) {
        calls.bytesHeld -= alive.get(this) ?? 0;
        alive.delete(this);
        return original.apply(this, args);
      },
  );
  return calls;
}

/** Which numbers count calls, as against levels. */
const COUNTS = ["submits", "dispatches", "buffers", "bindGroups", "pipelines"] as const;

export type CallCounts = Record<(typeof COUNTS)[number], number>;

/** The calls that an action makes until it resolves. */
export async function callsDuring(calls: GpuCalls, action: () => Promise<unknown>): Promise<CallCounts> {
  const before = { ...calls };
  await action();
  return Object.fromEntries(COUNTS.map((name) => [name, calls[name] - before[name]])) as CallCounts;
}
