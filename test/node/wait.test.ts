import { afterEach, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import { Device } from "../../src/engine/gpu/device.ts";
import { kernel } from "../../src/engine/gpu/kernel.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { wait } from "../../src/node/wait.ts";
import { testGpu } from "../gpu.ts";

let naps: MockInstance<typeof Atomics.wait>;
let clock = 0;

/** Time goes on by naps, and a little in every turn. */
beforeEach(() => {
  clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
  naps = vi.spyOn(Atomics, "wait").mockImplementation((_cell, _index, _value, ms) => {
    clock += ms! + 0.1;
    return "timed-out";
  });
});
afterEach(() => vi.restoreAllMocks());

const turn = () => new Promise((resolve) => setImmediate(resolve));
const lengths = (): number[] => naps.mock.calls.map(([, , , ms]) => ms!);

/** Ends when the clock has come to `ms`; every turn does something for a while. */
async function until(ms: number, workMs = 0.01): Promise<void> {
  while (clock < ms) {
    await turn();
    clock += workMs;
  }
}

test("gives the promise back, with its value or its error", async () => {
  const good = Promise.resolve(3);
  expect(wait(good)).toBe(good);
  await expect(wait(good)).resolves.toBe(3);
  await expect(wait(Promise.reject(new Error("lost")))).rejects.toThrow("lost");
});

test("naps longer the longer it waits, a millisecond at most, and ends with the last wait", async () => {
  await Promise.all([wait(until(5)), wait(until(40))]);
  expect(lengths()[0]).toBe(0);
  expect(lengths().at(-1)).toBe(1);
  expect(lengths()).toEqual([...lengths()].sort((a, b) => a - b));
  await turn();
  naps.mockClear();
  await turn();
  await turn();
  expect(lengths()).toEqual([]);
});

test("a program that works between its turns is not held up", async () => {
  await wait(until(1)); // the first turn cannot know yet
  naps.mockClear();
  await wait(until(clock + 40, 0.5));
  expect(lengths().length).toBeLessThanOrEqual(1);
});

test("several waits share their naps", async () => {
  const waits = Promise.all([wait(until(10)), wait(until(10)), wait(until(10))]);
  await turn();
  const before = lengths().length;
  await turn();
  expect(lengths().length - before).toBe(1);
  await waits;
});

test("a device waits by it for every value it reads and for every kernel it compiles ahead", async () => {
  const waited: unknown[] = [];
  const counting = <T>(work: Promise<T>): Promise<T> => {
    waited.push(work);
    return wait(work);
  };
  const device = await Device.open(testGpu(), { wait: counting });
  const opening = waited.length;
  expect(opening).toBeGreaterThan(0); // the self-test
  expect(await Tensor.from(device, [1, 2], [2]).read()).toEqual(Float32Array.of(1, 2));
  expect(waited.length).toBe(opening + 1);
  await device.finish();
  expect(waited.length).toBe(opening + 2);
  const kernels = [1, 2].map((size) =>
    kernel("nothing", ["@compute @workgroup_size(SIZE) fn nothing() {}"], { SIZE: size }),
  );
  await device.pipelines.prepare(kernels);
  await device.pipelines.prepare(kernels); // compiled already
  expect(waited.length).toBe(opening + 4);
  device.destroy();
});
