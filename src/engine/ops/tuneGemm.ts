import type { Device } from "../gpu/device.ts";
import type { GemmMethod, GemmShape } from "../gpu/tuning.ts";
import { Tensor } from "../graph/tensor.ts";
import { gemm } from "./gemm.ts";
import { shippedMethod } from "./gemmChoice.ts";
import { gemmMethods } from "./gemmMethods.ts";
import { type Subject, tuningNoise } from "./tuningSubject.ts";

/** A matrix product of this shape, without an epilogue. */
export function gemmSubject(device: Device, shape: GemmShape): Subject {
  const { m, n, k, batch, transposeA, transposeB } = shape;
  const a = tuningNoise(device, [batch, transposeA ? k : m, transposeA ? m : k]);
  const b = tuningNoise(device, [batch, transposeB ? n : k, transposeB ? k : n]);
  const y = Tensor.empty(device, [batch, m, n]);
  return {
    methods: gemmMethods(device.capabilities)
      .filter((method) => fits(device, method))
      .map((method) => ({
        name: method.name,
        isForGpus: method.workgroupBytes !== undefined, // its barriers are what takes a software adapter so long
        paddedWork: paddedWork(method, shape),
      })),
    shipped: shippedMethod(device, shape),
    run: () => gemm({ a, b, y, ...shape }),
    outputs: [y],
    dispose() {
      for (const tensor of [a, b, y]) tensor.dispose();
    },
  };
}

/** Multiply-adds a method does for a shape: whole tiles, also where they stick out. */
function paddedWork({ tile }: GemmMethod, { m, n, k, batch }: GemmShape): number {
  return Math.ceil(m / tile.rows) * tile.rows * Math.ceil(n / tile.columns) * tile.columns * k * batch;
}

/** Whether a method's workgroup memory is there. */
const fits = ({ limits }: Device, { workgroupBytes = 0 }: GemmMethod): boolean =>
  workgroupBytes <= limits.maxComputeWorkgroupStorageSize;
