import { describe, expect, test } from "vitest";
import type { Device } from "../../src/engine/gpu/device.ts";
import type { GemmMethod } from "../../src/engine/gpu/tuning.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { type Gemm, gemm } from "../../src/engine/ops/gemm.ts";
import { chooseMethod } from "../../src/engine/ops/gemmChoice.ts";
import { byMatrices, matrixMethods, matrixShapes } from "../../src/engine/ops/gemmMatrix.ts";
import { register } from "../../src/engine/ops/gemmMethods.ts";
import { isRight, openMatrices } from "../../src/engine/ops/openMatrices.ts";
import { Random } from "../../src/engine/random.ts";
import { withDevice } from "../withDevice.ts";
import { EMULATED, emulated } from "./emulatedMatrices.ts";

const on = withDevice({ precision: "f16" });

const noise = (seed: number, ...shape: number[]): Tensor => {
  const size = shape.reduce((p, q) => p * q, 1);
  // Away from zero, where f16 has fewer digits and the kernels of any adapter none.
  const values = new Random(seed, "test")
    .fillNormal(new Float32Array(size))
    .map((x) => x + (x < 0 ? -1 : 1) / 64);
  return Tensor.from(on.device, values, shape);
};

describe("the kernel's text, its matrices emulated, gives what the kernels of any adapter give", () => {
  const method = emulated(byMatrices(EMULATED.shape, EMULATED.lanes, { rows: 16, columns: 16 }, 16)!);

  /** The outputs of a product by both. */
  async function both(make: () => { product: Gemm; outputs: Tensor[] }): Promise<Float32Array[][]> {
    const found: Float32Array[][] = [];
    for (const by of [register, method]) {
      const { product, outputs } = make();
      gemm(product, by);
      found.push((await Promise.all(outputs.map((y) => y.read()))) as Float32Array[]);
    }
    return found;
  }

  const cases: [string, () => { product: Gemm; outputs: Tensor[] }][] = [
    [
      "A B^T of ragged sizes, bias and batch",
      () => {
        const [m, n, k] = [37, 41, 45];
        const y = Tensor.empty(on.device, [2, m, n]);
        const [a, b, bias] = [noise(1, 2, m, k), noise(2, 2, n, k), noise(3, n)];
        return { product: { a, b, y, m, n, k, transposeB: true, batch: 2, bias }, outputs: [y] };
      },
    ],
    [
      "A B by vectors, residual",
      () => {
        const [m, n, k] = [40, 68, 36];
        const y = Tensor.empty(on.device, [m, n]);
        const [a, b, residual] = [noise(1, m, k), noise(2, k, n), noise(3, m, n)];
        return { product: { a, b, y, m, n, k, epilogue: { kind: "residual", residual } }, outputs: [y] };
      },
    ],
    [
      "A^T B, k in parts of which the last is shorter, row sums",
      () => {
        const [m, n, k] = [36, 40, 300];
        const [y, rowSums] = [Tensor.empty(on.device, [m, n]), Tensor.empty(on.device, [m])];
        const [a, b] = [noise(1, k, m), noise(2, k, n)];
        return { product: { a, b, y, m, n, k, transposeA: true, rowSums }, outputs: [y, rowSums] };
      },
    ],
    [
      "A^T B^T by values, row sums",
      () => {
        const [m, n, k] = [35, 33, 33];
        const [y, rowSums] = [Tensor.empty(on.device, [m, n]), Tensor.empty(on.device, [m])];
        const [a, b] = [noise(1, k, m), noise(2, n, k)];
        return {
          product: { a, b, y, m, n, k, transposeA: true, transposeB: true, rowSums },
          outputs: [y, rowSums],
        };
      },
    ],
  ];
  test.each(cases)("%s", async (_, make) => {
    const [want, got] = await both(make); // bits are equal: both add in the order of k
    for (const [i, values] of want!.entries()) expect(got![i]).toEqual(values);
  });

  test("the self-test lets it pass, and none that reads a wrong place or does not compile", async () => {
    expect(await isRight(on.device, method)).toBe(true);
    const [source] = method.sources as [string];
    const spoiled = (from: string, to: string): GemmMethod => ({
      ...method,
      sources: [source.replace(from, to)],
    });
    expect(
      await isRight(on.device, spoiled("let column = quarter % 2u * HALF", "let column = quarter % 2u")),
    ).toBe(false);
    expect(await isRight(on.device, spoiled("let lane =", "let lane = no_such_function() +"))).toBe(false);
    await on.device.finish(); // the driver's refusal is no error of the device
  });
});

const limits = { maxComputeWorkgroupStorageSize: 49_152, maxComputeInvocationsPerWorkgroup: 1024 };
const names = (methods: readonly GemmMethod[]) => methods.map(({ name }) => name);

test("the largest matrices with f16 operands and f32 sums that an adapter lists", () => {
  const config = (componentType: string, resultComponentType: string, [M, N, K]: number[]) => ({
    ...{ componentType, resultComponentType },
    ...{ M, N, K },
  });
  const subgroupMatrixConfigs = [
    config("f16", "f32", [16, 8, 8]),
    config("f16", "f16", [32, 32, 32]),
    config("u8", "u32", [16, 16, 32]),
    config("f16", "f32", [16, 16, 16]),
  ];
  const info = { subgroupMatrixConfigs } as unknown as GPUAdapterInfo;
  expect(matrixShapes(info)).toEqual([
    { m: 16, n: 16, k: 16 },
    { m: 16, n: 8, k: 8 },
  ]);
  expect(matrixShapes({} as GPUAdapterInfo)).toEqual([]);
});

test("tiles are those that matrices, lanes and workgroup memory allow", () => {
  const shape = { m: 16, n: 16, k: 16 };
  expect(names(matrixMethods(shape, 32, limits))).toEqual(["matrix128x128", "matrix128x64", "matrix64x64"]);
  const small = { ...limits, maxComputeWorkgroupStorageSize: 24_000 };
  expect(names(matrixMethods(shape, 32, small))).toEqual(["matrix64x64"]);
  expect(names(matrixMethods({ m: 48, n: 16, k: 16 }, 32, limits))).toEqual([]);
});

describe("what ships where there are matrices", () => {
  const matrices = matrixMethods({ m: 16, n: 16, k: 16 }, 32, limits);
  const device = {
    info: { vendor: "nvidia", architecture: "hopper" },
    capabilities: { subgroupSize: 32, matrices },
    tuning: { choose: () => "register" }, // measured in f32: no choice here
  } as unknown as Device;
  test.each([
    [12_608, 1152, 384, "matrix128x128"],
    [12_608, 384, 384, "matrix128x128"],
    [6400, 384, 96, "matrix128x64"],
    [1024, 512, 96, "matrix64x64"],
    [4, 4, 4, "plain"],
  ])("%i x %i x %i: %s", (m, n, k, name) => {
    const shape = { m, n, k, batch: 1, transposeA: false, transposeB: true };
    expect(chooseMethod(device, shape).name).toBe(name);
  });
});

test("openMatrices tries all tiles of an adapter that has matrices, and none elsewhere", async () => {
  const { device } = on;
  await openMatrices(device);
  const { matrices, refused } = device.capabilities;
  const shapes = matrixShapes(device.info);
  const tried =
    shapes.length === 0
      ? 0
      : matrixMethods(shapes[0]!, device.capabilities.subgroupSize, device.limits).length;
  expect(matrices.length + refused.length).toBe(tried);
});
