import type { Device } from "../gpu/device.ts";
import { sizeOf, Tensor } from "../graph/tensor.ts";

/** What is measured of one class of shapes. */
export interface Subject {
  /** Those that the device can run, the portable one first. */
  methods: readonly SubjectMethod[];
  shipped: string;
  /** Computes `outputs` from noise, by the method that `device.tuning` names. */
  run(): void;
  outputs: readonly Tensor[];
  dispose(): void;
}

export interface SubjectMethod {
  name: string;
  isForGpus: boolean;
  /** Multiply-adds with padding, where methods differ by it and reach like rates. */
  paddedWork?: number;
}

/** Values between -1 and 1 that no compiler can know; only their spread matters to a measurement. */
export function tuningNoise(device: Device, shape: number[]): Tensor {
  let state = 1;
  const values = Float32Array.from({ length: sizeOf(shape) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
  return Tensor.from(device, values, shape);
}
