import { describe, expect, test } from "vitest";
import type { Device } from "../../src/engine/gpu/device.ts";
import type { GemmMethod } from "../../src/engine/gpu/tuning.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { gemm } from "../../src/engine/ops/gemm.ts";
import { shippedMethod } from "../../src/engine/ops/gemmChoice.ts";
import { gemmMethods } from "../../src/engine/ops/gemmMethods.ts";
import { partsOfK } from "../../src/engine/ops/gemmParts.ts";
import { Random } from "../../src/engine/random.ts";
import { withDevice } from "../withDevice.ts";

const rows = 64 * 197;

describe("parts of k", () => {
  test.each([
    [384, 384, rows, 32],
    [1536, 384, rows, 16],
    [3072, 768, rows, 4],
    [288, 96, 2176, 17],
    [96, 384, 4352, 31],
    [192, 192, 1040, 5],
    [rows, 384, 1536, 1], // y fills a GPU
    [1024, 1024, 1024, 1], // k is no longer than y's sides
    [64, 1000, 768, 6],
    [10, 192, 16, 1],
  ])("%i x %i x %i: %i", (m, n, k, count) => {
    const parts = partsOfK({ m, n, k });
    expect(parts.count).toBe(count);
    expect(count === 1 || parts.span % 16 === 0).toBe(true);
    expect((count - 1) * parts.span).toBeLessThan(k);
    expect(count * parts.span).toBeGreaterThanOrEqual(k);
  });
});

describe("a product in parts", () => {
  const on = withDevice();

  // Parts of 144 and 121 or 124 values of k, by values and by vectors. Where a part begins in A and in B is found from the
  // layout of each alone, so that two of them do for methods whose parts are matrices of a batch: they compile for seconds.
  for (const { layout, sizes, methods } of [
    { layout: "TN", sizes: [5, 7, 265], methods: ["register", "workgroup32"] },
    { layout: "TT", sizes: [8, 12, 268], methods: ["register"] },
    { layout: "NN", sizes: [8, 12, 268], methods: ["register"] },
    { layout: "NT", sizes: [5, 7, 265], methods: ["register", "workgroup32"] },
  ] as const) {
    const [m, n, k] = sizes;
    const [transposeA, transposeB] = [layout[0] === "T", layout[1] === "T"];
    test(`${layout} ${m} x ${n} x ${k} and its row sums, by ${methods.join(" and ")}`, async () => {
      const { device } = on;
      expect(partsOfK({ m, n, k }).count).toBe(2);
      const values = (seed: number, size: number) => {
        const array = new Float32Array(size);
        new Random(seed, "test").fillNormal(array);
        return array;
      };
      const [a, b] = [values(1, m * k), values(2, k * n)];
      const from = (data: Float32Array<ArrayBuffer>) => Tensor.from(device, data, [data.length]);
      const at = (row: number, i: number) => a[transposeA ? i * m + row : row * k + i]!;
      const bt = (i: number, column: number) => b[transposeB ? column * k + i : i * n + column]!;
      for (const method of methods) {
        device.tuning.choose = () => method;
        const [y, rowSums] = [Tensor.empty(device, [m, n]), Tensor.empty(device, [m])];
        gemm({ a: from(a), b: from(b), y, m, n, k, transposeA, transposeB, rowSums });
        const [found, sums] = [await y.read(), await rowSums.read()];
        for (let row = 0; row < m; row++) {
          let sum = 0;
          for (let i = 0; i < k; i++) sum += at(row, i);
          expect(Math.abs(sums[row]! - sum)).toBeLessThan(1e-4);
          for (let column = 0; column < n; column++) {
            let product = 0;
            let size = 0;
            for (let i = 0; i < k; i++) {
              product += at(row, i) * bt(i, column);
              size += Math.abs(at(row, i) * bt(i, column));
            }
            expect(Math.abs(found[row * n + column]! - product)).toBeLessThan(2 ** -22 * size);
          }
        }
      }
    });
  }
});

describe("what ships for an H100", () => {
  const device = {
    info: { vendor: "nvidia", architecture: "hopper" },
    capabilities: { subgroupSize: 32, matrices: [] as GemmMethod[] },
  } as unknown as Device;
  test.each([
    ["NT", rows, 1152, 384, "tile128x128"],
    ["NT", rows, 3072, 768, "tile128x128"],
    ["NT", rows, 768, 3072, "tile128x64"],
    ["NT", rows, 384, 384, "tile64x64"],
    ["NT", rows, 384, 1536, "tile64x64"],
    ["NT", 1024, 1024, 1024, "tile64x64deep"],
    ["NN", rows, 384, 1536, "tile64x64"],
    ["NN", rows, 768, 3072, "tile64x128"],
    ["TN", 1536, 384, rows, "tile128x64"],
    ["TN", 3072, 768, rows, "tile128x64"],
    ["TN", 384, 384, rows, "tile64x64"],
    ["TN", 288, 96, 2176, "tile32x32"],
    ["NN", 4, 4, 4, "plain"],
  ] as const)("%s %i x %i x %i: %s", (layout, m, n, k, name) => {
    const shape = { m, n, k, batch: 1, transposeA: layout[0] === "T", transposeB: layout[1] === "T" };
    const parts = layout === "TN" ? partsOfK(shape).count : 1;
    expect(shippedMethod(device, shape, parts)).toBe(name);
    expect(gemmMethods(device.capabilities).map((method) => method.name)).toContain(name);
  });
});
