import type { Workgroups } from "../gpu/command.ts";
import type { Device } from "../gpu/device.ts";
import { encodeTransfer } from "../gpu/encode.ts";
import { BUFFER_USAGE } from "../gpu/memory.ts";
import type { DispatchWork, Prepared } from "./prepared.ts";

/** One dispatch of a profiled step. Times are the GPU's own. */
export interface TimedDispatch extends DispatchWork {
  kernel: string;
  workgroups: Workgroups;
  startNs: number;
  durationNs: number;
}

/** WebGPU's largest query set. */
const MOST_QUERIES = 4096;

/**
 * Runs the commands of a step once with a timestamp before and after every dispatch. Each dispatch then has a pass of
 * its own, so the whole is slower than the step itself; the parts compare. The device must have been opened with
 * `timestamps`.
 */
export async function timeCommands(device: Device, commands: readonly Prepared[]): Promise<TimedDispatch[]> {
  if (!device.capabilities.timestamps) {
    throw new Error("profile: the device must have timestamp queries; open it with { timestamps: true }");
  }
  const dispatches = commands.filter((command) => command.kind === "dispatch");
  const bytes = dispatches.length * 16;
  const sets = Array.from({ length: Math.ceil((2 * dispatches.length) / MOST_QUERIES) }, () =>
    device.gpu.createQuerySet({ type: "timestamp", count: MOST_QUERIES }),
  );
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = BUFFER_USAGE;
  const resolved = device.allocator.create(
    sets.length * MOST_QUERIES * 8,
    QUERY_RESOLVE | COPY_SRC,
    "timestamps",
  );
  const staging = device.allocator.create(bytes, MAP_READ | COPY_DST, "timestamps");
  device.eager.flush();
  device.guard(() => {
    const encoder = device.gpu.createCommandEncoder({ label: "profile" });
    let query = 0;
    for (const command of commands) {
      if (command.kind !== "dispatch") {
        encodeTransfer(encoder, command);
        continue;
      }
      const querySet = sets[Math.floor(query / MOST_QUERIES)]!;
      const first = query % MOST_QUERIES;
      const timestampWrites = { querySet, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
      const pass = encoder.beginComputePass({ label: command.label, timestampWrites });
      pass.setPipeline(command.pipeline);
      pass.setBindGroup(0, command.group);
      pass.dispatchWorkgroups(...command.workgroups);
      pass.end();
      query += 2;
    }
    for (const [i, set] of sets.entries()) {
      encoder.resolveQuerySet(set, 0, MOST_QUERIES, resolved, i * MOST_QUERIES * 8);
    }
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    device.gpu.queue.submit([encoder.finish()]);
  });
  let times: BigUint64Array;
  try {
    await device.finish();
    await device.wait(staging.mapAsync(1)); // GPUMapMode.READ
    times = new BigUint64Array(staging.getMappedRange().slice(0));
  } finally {
    for (const buffer of [resolved, staging]) device.allocator.destroy(buffer);
    for (const set of sets) set.destroy();
  }
  const origin = times[0] ?? 0n;
  return dispatches.map(({ label, workgroups, work }, i) => ({
    ...work,
    kernel: label,
    workgroups,
    startNs: Number(times[2 * i]! - origin),
    durationNs: Number(times[2 * i + 1]! - times[2 * i]!),
  }));
}
