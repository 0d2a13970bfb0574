import { describe, expect, test } from "vitest";
import { creatures } from "../../src/data/creatures/creatures.ts";
import type { Device } from "../../src/engine/gpu/device.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";
import type { Preview } from "../../src/models/method.ts";
import { fitCodebook, tokenizerPatches, tokensOf } from "../../src/models/tokenizer.ts";
import { withDevice } from "../withDevice.ts";

const [BATCH, SIZE, PATCH, LENGTH] = [16, 32, 4, 48];
const normal = (size: number, seed: number) => new Random(seed, "test").fillNormal(new Float32Array(size));

/** Drawn creatures, another batch at every step. */
function preview(device: Device, seed = 0): Preview & { asked: number[] } {
  const { pixels } = creatures({ kind: "creatures-coat", count: 4 * BATCH, size: SIZE, seed: 2 });
  const values = Float32Array.from(pixels, (value) => (value - 127.5) / 64);
  const each = BATCH * SIZE * SIZE * 3;
  const asked: number[] = [];
  return {
    device,
    seed,
    asked,
    views(step) {
      asked.push(step);
      const from = (step % 4) * each;
      return [Tensor.from(device, values.slice(from, from + each), [BATCH, SIZE, SIZE, 3])];
    },
  };
}

/** How many of the codes a batch uses, as exp(entropy), and the mean squared distance to the nearest. */
async function usage(device: Device, codes: Float32Array, images: Tensor) {
  const patches = tokenizerPatches(images, PATCH);
  const tokens = await tokensOf(Tensor.from(device, codes, [codes.length / LENGTH, LENGTH]), patches).read();
  const values = await patches.read();
  const counts = new Map<number, number>();
  let distance = 0;
  for (const [i, token] of tokens.entries()) {
    counts.set(token, (counts.get(token) ?? 0) + 1);
    for (let j = 0; j < LENGTH; j++) distance += (values[i * LENGTH + j]! - codes[token * LENGTH + j]!) ** 2;
  }
  const shares = [...counts.values()].map((count) => count / tokens.length);
  return {
    perplexity: Math.exp(-shares.reduce((sum, p) => sum + p * Math.log(p), 0)),
    distance: distance / values.length,
  };
}

describe("the tokenizer", () => {
  const on = withDevice();

  test("chooses the nearest code, as a float64 loop does", async () => {
    const [codes, patches] = [normal(12 * 6, 1), normal(50 * 6, 2)];
    const tokens = await tokensOf(
      Tensor.from(on.device, codes, [12, 6]),
      Tensor.from(on.device, patches, [5, 10, 6]),
    ).read();
    const nearest = Array.from({ length: 50 }, (_, i) => {
      const distances = Array.from({ length: 12 }, (_, k) =>
        Array.from({ length: 6 }, (_, j) => (patches[i * 6 + j]! - codes[k * 6 + j]!) ** 2).reduce(
          (a, b) => a + b,
        ),
      );
      return distances.indexOf(Math.min(...distances));
    });
    expect([...tokens]).toEqual(nearest);
  });

  test("a flat patch is near the zero code, whatever its colour; contrast and brightness do not count", async () => {
    const flat = Tensor.from(on.device, new Float32Array(SIZE * SIZE * 3).fill(1.7), [1, SIZE, SIZE, 3]);
    expect(Math.max(...(await tokenizerPatches(flat, PATCH).read()).map(Math.abs))).toBeLessThan(1e-5);
    const values = normal(SIZE * SIZE * 3, 3);
    const of = (change: (x: number) => number) =>
      tokenizerPatches(Tensor.from(on.device, values.map(change), [1, SIZE, SIZE, 3]), PATCH).read();
    const [plain, changed] = [await of((x) => x), await of((x) => 3 * x + 1)];
    expect(Math.max(...plain.map((x, i) => Math.abs(x - changed[i]!)))).toBeLessThan(0.03); // what EPS leaves
  });

  test("is fitted to the same codes by the same pictures and seed, and to others by another", async () => {
    const codes = await fitCodebook(preview(on.device), 24, PATCH);
    expect(codes.length).toBe(24 * LENGTH);
    expect(await fitCodebook(preview(on.device), 24, PATCH)).toEqual(codes);
    expect(await fitCodebook(preview(on.device, 1), 24, PATCH)).not.toEqual(codes);
  });

  test("serves pictures it was not fitted to better than random patches do, and uses its codes", async () => {
    const source = preview(on.device);
    const first = { ...source, views: (step: number) => source.views(step % 3) };
    const codes = await fitCodebook(first, 96, PATCH);
    const [unseen] = source.views(3) as [Tensor];
    const [patches] = [await tokenizerPatches(source.views(0)[0]!, PATCH).read()];
    const order = new Random(9, "test").permutation(BATCH * 64);
    const drawn = Float32Array.from({ length: 96 * LENGTH }, (_, i) => {
      return patches[order[Math.floor(i / LENGTH)]! * LENGTH + (i % LENGTH)]!;
    });
    const [fitted, random] = [await usage(on.device, codes, unseen), await usage(on.device, drawn, unseen)];
    // Measured: distance .351 against .466, 58.5 codes against 49.7.
    expect(fitted.distance).toBeLessThan(0.85 * random.distance);
    expect(fitted.perplexity).toBeGreaterThan(96 / 2);
  });

  test("of two kinds of patches, one of them rare, it finds both, and one of no contrast is zero", async () => {
    const [common, other] = [normal(LENGTH, 1), normal(LENGTH, 2)];
    /** Pictures of one patch, but for each one's last, which is the rare one. */
    const codesOf = async (rare: ArrayLike<number>) => {
      const values = Float32Array.from({ length: BATCH * SIZE * SIZE * 3 }, (_, i) => {
        const [column, row] = [Math.floor(i / 3) % SIZE, Math.floor(i / (3 * SIZE)) % SIZE];
        const isRare = column >= SIZE - PATCH && row >= SIZE - PATCH;
        return (isRare ? rare : common)[((row % PATCH) * PATCH + (column % PATCH)) * 3 + (i % 3)]!;
      });
      const views = () => [Tensor.from(on.device, values, [BATCH, SIZE, SIZE, 3])];
      const codes = await fitCodebook({ device: on.device, seed: 0, views }, 8, PATCH);
      const { distance } = await usage(on.device, codes, views()[0]!);
      const lengths = Array.from({ length: 8 }, (_, k) =>
        Math.hypot(...codes.subarray(k * LENGTH, (k + 1) * LENGTH)),
      );
      return { distance, zeros: lengths.filter((length) => length < 1e-3).length };
    };
    const varied = await codesOf(other);
    expect(varied.distance).toBeLessThan(1e-4); // about 2 / 64 where the rare one has no code
    expect(varied.zeros).toBe(0);
    const flat = await codesOf(new Float32Array(LENGTH).fill(0.7));
    expect(flat.distance).toBeLessThan(1e-4);
    expect(flat.zeros).toBeGreaterThan(0);
  });

  test("on drawn creatures every code is the nearest one of patches that it was fitted to", async () => {
    const source = preview(on.device);
    const codes = await fitCodebook(source, 24, PATCH);
    const table = Tensor.from(on.device, codes, [24, LENGTH]);
    const read = [0, 1, 2, 3].map((step) =>
      tokensOf(table, tokenizerPatches(source.views(step)[0]!, PATCH)).read(),
    );
    expect(new Set((await Promise.all(read)).flatMap((tokens) => [...tokens])).size).toBe(24);
  });

  test("leaves no memory behind but what it returns", async () => {
    const source = preview(on.device);
    const images = source.views(0);
    const held = { ...source, views: () => images.map((image) => image.alias(image.shape)) };
    const lasting: Preview = {
      ...held,
      views: () => [Tensor.from(on.device, normal(BATCH * SIZE * SIZE * 3, 1), [BATCH, SIZE, SIZE, 3])],
    };
    await fitCodebook(lasting, 8, PATCH);
    const before = on.device.counters.bytesHeld;
    await fitCodebook(lasting, 8, PATCH);
    expect(on.device.counters.bytesHeld).toBe(before);
  });
});
