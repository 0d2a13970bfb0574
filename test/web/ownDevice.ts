// What a page that opened its own GPUDevice can say of it.
import type { Device } from "../../src/index.ts";

/** Four numbers that the device copies and reads back, or why it was lost. */
export async function copiedOn(gpu: GPUDevice): Promise<number[] | string> {
  const size = 16;
  const from = gpu.createBuffer({ size, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  const to = gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  gpu.queue.writeBuffer(from, 0, Uint32Array.of(1, 2, 3, 4));
  const encoder = gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(from, 0, to, 0, size);
  gpu.queue.submit([encoder.finish()]);
  const copied = to.mapAsync(GPUMapMode.READ).then(() => [...new Uint32Array(to.getMappedRange())]);
  return Promise.race([gpu.lost.then(({ reason, message }) => `lost (${reason}): ${message}`), copied]);
}

/** Bytes that a device holds for someone. */
export async function bytesHeld(device: Device): Promise<number> {
  await device.allocator.trim();
  return device.counters.bytesHeld;
}
