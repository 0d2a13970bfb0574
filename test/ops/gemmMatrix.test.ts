import { beforeAll, describe, expect, test } from "vitest";
import { create } from "webgpu";
import { Device } from "../../src/engine/gpu/device.ts";
import { LAYOUTS, matrixTiles, productOf } from "../../src/engine/gpu/matrices.ts";

/** What NVIDIA's, Intel's and Apple's adapters list, and the lanes of their subgroups. */
const ADAPTERS = [
  { shape: { m: 16, n: 16, k: 16 }, lanes: 32 },
  { shape: { m: 16, n: 8, k: 16 }, lanes: 32 },
  { shape: { m: 8, n: 16, k: 16 }, lanes: 16 },
  { shape: { m: 8, n: 8, k: 8 }, lanes: 32 },
];

const limits = {
  maxComputeWorkgroupStorageSize: 49_152,
  maxComputeInvocationsPerWorkgroup: 1024,
} as GPUSupportedLimits;

describe("products by subgroup matrices, as Tint sees them", () => {
  /** Dawn's null backend knows subgroup matrices and executes nothing. */
  const gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  let compiler: GPUDevice;
  beforeAll(async () => {
    const adapter = (await gpu.requestAdapter())!;
    compiler = await adapter.requestDevice({ requiredFeatures: [...adapter.features] as GPUFeatureName[] });
  });

  test.each(ADAPTERS)(
    "matrices of $shape.m x $shape.n x $shape.k are valid WGSL in every tile and layout",
    async ({ shape, lanes }) => {
      const tiles = matrixTiles(shape, lanes, limits);
      expect(tiles.map(({ rows, columns }) => `${rows}x${columns}`)).toEqual(["128x128", "128x64", "64x64"]);
      for (const kernel of tiles.flatMap((tile) => LAYOUTS.map((layout) => productOf(tile, layout)))) {
        compiler.pushErrorScope("validation");
        const { messages } = await compiler.createShaderModule({ code: kernel.source }).getCompilationInfo();
        await compiler.popErrorScope();
        expect(messages.filter(({ type }) => type === "error").map(({ message }) => message)).toEqual([]);
      }
    },
  );

  test("tiles that do not fit the workgroup memory are left out", () => {
    const small = { ...limits, maxComputeWorkgroupStorageSize: 24_000 } as GPUSupportedLimits;
    const [{ shape, lanes }] = ADAPTERS as [(typeof ADAPTERS)[0]];
    expect(matrixTiles(shape, lanes, small).map(({ rows }) => rows)).toEqual([64]);
  });
});

test("f16 is refused without shader-f16, in one sentence", async () => {
  const gpu = create([]);
  const adapter = (await gpu.requestAdapter())!;
  const bare = await adapter.requestDevice();
  await expect(Device.open(bare, { precision: "f16" })).rejects.toThrow(
    'precision "f16" needs the feature shader-f16, which this adapter does not offer',
  );
  bare.destroy();
});
