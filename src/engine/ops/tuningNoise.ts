import type { Device } from "../gpu/device.ts";
import { sizeOf, Tensor } from "../graph/tensor.ts";

/** Values between -1 and 1 that no compiler can know; only their spread matters to a measurement. */
export function tuningNoise(device: Device, shape: number[]): Tensor {
  let state = 1;
  const values = Float32Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return Tensor.from(device, values, shape);
}
