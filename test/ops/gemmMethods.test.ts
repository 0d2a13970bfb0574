import { afterEach, describe, expect, test, vi } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { type Epilogue, gemm } from "../../src/engine/ops/gemm.ts";
import { gemmMethods } from "../../src/engine/ops/gemmMethods.ts";
import { Random } from "../../src/engine/random.ts";
import { inNodeAlone } from "../inNodeAlone.ts";
import { withDevice } from "../withDevice.ts";

/** Sizes that are multiples of 4, which are read as vectors, and sizes that are not; more than one tile each way. */
const [quads, odd] = [
  [67, 72, 68],
  [65, 35, 37],
] as const;

/**
 * Both layouts of a matrix with either way to read it, and every epilogue, which needs n in vectors, with one of them: a
 * product costs software adapters seconds a method.
 */
const products = [
  { transposeA: false, transposeB: true, sizes: [65, 36, 37], finish: "gelu" },
  { transposeA: false, transposeB: false, sizes: quads, finish: "residual" },
  { transposeA: true, transposeB: false, sizes: odd, finish: undefined },
  { transposeA: true, transposeB: true, sizes: quads, finish: "geluSlope" },
] as const;

describe("every method gives the same bits", () => {
  const context = withDevice();
  afterEach(() => vi.restoreAllMocks());

  /** What software adapters compile for seconds; tile32x32 and workgroup32 have their texts. */
  const slow = /^tile(64|128)|^workgroup64/;

  /** Each epilogue, and the tensor that it writes beside y. */
  const epilogues: Record<Epilogue["kind"], (shape: readonly number[]) => [Epilogue, ...Tensor[]]> = {
    residual: (shape) => [{ kind: "residual", residual: noise(4, shape) }],
    gelu(shape) {
      const before = Tensor.empty(context.device, shape);
      return [{ kind: "gelu", before, form: "erf" }, before];
    },
    geluSlope(shape) {
      const activated = Tensor.empty(context.device, shape);
      return [{ kind: "geluSlope", before: noise(5, shape), activated, form: "tanh" }, activated];
    },
  };

  /** Results of all methods whose names `take` likes for one product, as bits, by name. */
  async function bitsOf(
    run: () => Tensor[],
    take = (name: string) => !slow.test(name),
  ): Promise<Map<string, number[][]>> {
    const { device } = context;
    const found = new Map<string, number[][]>();
    const names = gemmMethods(device.capabilities).map(({ name }) => name);
    for (const name of names.filter((known) => known === "register" || take(known))) {
      vi.spyOn(device.tuning, "choose").mockReturnValue(name);
      const outputs = run();
      found.set(name, await Promise.all(outputs.map(async (y) => bits(await y.read()))));
      for (const y of outputs) y.dispose();
    }
    return found;
  }

  function expectEqual(found: Map<string, number[][]>): void {
    expect(found.size).toBeGreaterThanOrEqual(3);
    for (const outputs of found.values()) expect(outputs).toEqual(found.get("register"));
  }

  // In Chromium each layout of either matrix once: here A and B^T, in the long k below A^T and B. test/ops/matmul.test.ts and
  // linear.test.ts hold the method that ships there on all layouts and epilogues.
  const [first, ...others] = products;
  expectProductEqual(first);
  inNodeAlone(() => {
    for (const product of others) expectProductEqual(product);

    test("a large tile with a bias, more than one each way, k in parts of which the last is shorter", async () => {
      const [m, n, k] = [68, 68, 301];
      const a = noise(1, [k, m]);
      const b = noise(2, [k, n]);
      const bias = noise(3, [n]);
      expectEqual(
        await bitsOf(
          () => {
            const y = Tensor.empty(context.device, [m, n]);
            const rowSums = Tensor.empty(context.device, [m]);
            gemm({ a, b, y, m, n, k, transposeA: true, bias, rowSums });
            return [y, rowSums];
          },
          (name) => ["plain", "tile64x64", "workgroup64"].includes(name),
        ),
      );
    });
  });

  test("a long k is cut into parts, the same ones for every method", async () => {
    const [m, n, k] = [12, 20, 2100];
    const a = noise(1, [k, m]);
    const b = noise(2, [k, n]);
    const found = await bitsOf(() => {
      const y = Tensor.empty(context.device, [m, n]);
      const rowSums = Tensor.empty(context.device, [m]);
      gemm({ a, b, y, m, n, k, transposeA: true, rowSums });
      return [y, rowSums];
    });
    expectEqual(found);
    const [valuesA, valuesB] = [await a.read(), await b.read()];
    const y = new Float32Array(Uint32Array.from(found.get("register")![0]!).buffer);
    for (const [row, column] of [
      [0, 0],
      [11, 19],
    ] as const) {
      let sum = 0;
      let magnitude = 0;
      for (let i = 0; i < k; i++) {
        const product = valuesA[i * m + row]! * valuesB[i * n + column]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      expect(Math.abs(y[row * n + column]! - sum) / magnitude).toBeLessThan(2 ** -23);
    }
  });

  function expectProductEqual({ transposeA, transposeB, sizes, finish }: (typeof products)[number]): void {
    const [m, n, k] = sizes;
    test(`${transposeA ? "A^T" : "A"} ${transposeB ? "B^T" : "B"} ${m} x ${n} x ${k}, bias, row sums, batch, ${finish ?? "no"} epilogue`, async () => {
      const { device } = context;
      const a = noise(1, [2, m * k]);
      const b = noise(2, [2, k * n]);
      const bias = noise(3, [n]);
      expectEqual(
        await bitsOf(() => {
          const y = Tensor.empty(device, [2, m, n]);
          const rowSums = Tensor.empty(device, [2, m]);
          const [epilogue, ...besides] = finish ? epilogues[finish](y.shape) : [];
          const product = { a, b, y, m, n, k, batch: 2, transposeA, transposeB, bias, rowSums };
          gemm(epilogue ? { ...product, epilogue } : product);
          return [y, rowSums, ...besides];
        }),
      );
    });
  }

  function noise(seed: number, shape: readonly number[]): Tensor {
    const values = new Random(seed, "test").fillNormal(new Float32Array(shape.reduce((p, q) => p * q, 1)));
    return Tensor.from(context.device, values, shape);
  }
});

const bits = (values: ArrayLike<number> & { buffer?: ArrayBufferLike }): number[] => [
  ...new Uint32Array((values as Float32Array).slice().buffer),
];
