import { describe, expect, test } from "vitest";
import { compile } from "../../../src/engine/capture/compile.ts";
import { grad } from "../../../src/engine/graph/autograd.ts";
import { Guard } from "../../../src/engine/graph/guard.ts";
import { Parameters } from "../../../src/engine/graph/parameters.ts";
import { Tensor } from "../../../src/engine/graph/tensor.ts";
import { mul, square } from "../../../src/engine/ops/elementwise.ts";
import { reshape } from "../../../src/engine/ops/reshape.ts";
import { sum } from "../../../src/engine/ops/sum.ts";
import { MetricRing } from "../../../src/engine/step/metricRing.ts";
import { StepValues } from "../../../src/engine/step/stepValues.ts";
import { withDevice } from "../../withDevice.ts";

const on = withDevice();
const vector = (...values: number[]) => Tensor.from(on.device, values, [values.length]);

describe("what is no shape is refused, and nothing is held", () => {
  const wrong = [[0], [2, 0], [-2, -2], [2.5, 2], [Number.NaN], [Number.POSITIVE_INFINITY]];
  test.each(wrong)("[%s, %s]", (...given: number[]) => {
    const shape = given.filter((n) => n !== undefined);
    const rule = `every axis needs a positive whole length; got [${shape}]`;
    const { buffersCreated } = on.device.counters;
    const values = new Float32Array(shape.length === 2 ? Math.abs(shape[0]! * shape[1]!) : 0);
    expect(() => Tensor.from(on.device, values, shape)).toThrow(`Tensor.from: ${rule}`);
    expect(() => Tensor.empty(on.device, shape)).toThrow(`Tensor.empty: ${rule}`);
    expect(() => Tensor.zeros(on.device, shape, "u32")).toThrow(rule);
    expect(on.device.counters.buffersCreated).toBe(buffersCreated);
    expect(() => vector(1, 2, 3, 4).alias(shape)).toThrow(`Tensor.alias: ${rule}`);
    expect(() => reshape(vector(1, 2, 3, 4), shape)).toThrow();
  });
});

describe("what is no value is refused", () => {
  const nested = [[1, 2], [3, 4]] as unknown as number[]; // biome-ignore format: as it would be written
  test("nested lists, and other things than numbers", () => {
    const from = (values: unknown) => () => Tensor.from(on.device, values as number[], [2]);
    const rule = "Tensor.from: values must be a flat list of numbers; got";
    expect(from(nested)).toThrow(`${rule} a list at 0`);
    expect(from([1, "2"])).toThrow(`${rule} string 2 at 1`);
    expect(from([1, undefined])).toThrow(`${rule} undefined undefined at 1`);
    expect(from([1n, 2n])).toThrow(`${rule} bigint 1 at 0`);
    expect(() => vector(1, 2).write(nested)).toThrow("Tensor.write: values must be a flat list of numbers");
  });

  test.each([
    ["u32", [-1], "u32 values are whole numbers from 0 to 4294967295; got -1 at 0"],
    ["u32", [2.75], "got 2.75 at 0"],
    ["u32", [2 ** 32], "got 4294967296 at 0"],
    ["u32", Int32Array.of(-1), "got -1 at 0"],
    [
      "i32",
      Float32Array.of(Number.NaN),
      "i32 values are whole numbers from -2147483648 to 2147483647; got NaN at 0",
    ],
    ["i32", Uint32Array.of(2 ** 31), "got 2147483648 at 0"],
  ] as const)("%s %s", (dtype, values, rule) => {
    expect(() => Tensor.from(on.device, values, [1], dtype)).toThrow(rule);
    expect(() => Tensor.zeros(on.device, [1], dtype).write(values)).toThrow(rule);
  });

  test("the ends of a dtype's range are taken", async () => {
    const ends = [-(2 ** 31), 2 ** 31 - 1];
    expect([...(await Tensor.from(on.device, ends, [2], "i32").read())]).toEqual(ends);
    const f32 = [Number.NaN, Number.POSITIVE_INFINITY];
    expect([...(await Tensor.from(on.device, f32, [2]).read())]).toEqual(f32);
  });
});

describe("an alias", () => {
  test("lies within its tensor, from a multiple of 256 bytes on", () => {
    const x = Tensor.zeros(on.device, [256]);
    const rule = "Tensor.alias: the offset must be a multiple of 256 bytes; got";
    for (const offset of [4, 128, 257, 0.5, -256, Number.NaN]) {
      expect(() => x.alias([1], offset)).toThrow(`${rule} ${offset}`);
    }
    expect(() => x.alias([65], 768)).toThrow(
      "Tensor.alias: [65] from byte 768 must lie within the 1024 bytes of [256]",
    );
    expect(() => x.alias([2], 256).alias([64])).toThrow("must lie within the 8 bytes of [2]");
    expect(x.alias([64], 768).offset).toBe(768);
  });

  test("loses no gradient in silence", async () => {
    const x = vector(1, 2, 3, 4);
    const matrix = x.alias([2, 2]);
    const loss = sum(square(matrix));
    expect(() => grad(loss, [x])).toThrow(
      "Tensor.alias: gradients do not pass an alias. Use reshape or slice",
    );
    expect([...(await grad(loss, [matrix])[0]!.read())]).toEqual([2, 4, 6, 8]);
    const y = square(x);
    expect(() => grad(sum(mul(y, y.alias([4]))), [x])).toThrow("gradients do not pass an alias");
    expect([...(await grad(sum(square(reshape(x, [2, 2]))), [x])[0]!.read())]).toEqual([2, 4, 6, 8]);
  });
});

describe("copies and writes stay within their ranges", () => {
  test("copy", async () => {
    const flat = Tensor.zeros(on.device, [256]);
    const part = flat.alias([2], 256);
    const { device } = on;
    expect(() => device.copy(Tensor.zeros(device, [128]), part)).toThrow(
      "copy: both ranges must have the same size; got 512 and 8 bytes",
    );
    expect(() => device.copy(flat.alias([64]), flat.alias([64], 512))).toThrow(
      "copy: WebGPU copies between different buffers alone; got two of one storage",
    );
    device.copy(vector(1, 2), part);
    expect([...(await flat.read())].filter((value) => value !== 0)).toEqual([1, 2]);
  });

  test("write", () => {
    const part = Tensor.zeros(on.device, [256]).alias([2], 256);
    expect(() => on.device.write(part, new Float32Array(128))).toThrow(
      "write: the range holds 8 bytes; got 512",
    );
  });
});

test("a write within a captured step is refused, whoever makes it", async () => {
  const { device } = on;
  const values = new StepValues(device, { rate: { dtype: "f32" } });
  const guard = new Guard(device);
  const params = new Parameters(device, [{ name: "w", shape: [2], values: new Float32Array(2) }]);
  const w = new Map([["w", { shape: [2], values: Float32Array.of(1, 2) }]]);
  const writes = [
    () => params.get("w").write([1, 2]),
    () => values.write({ rate: 1 }),
    () => guard.restart(),
    () => new MetricRing(device, ["loss"]).restart(),
    () => params.write(params.values, w),
  ];
  for (const write of writes) {
    const step = () => {
      write();
      return {};
    };
    await expect(compile(device, step)).rejects.toThrow(
      "Tensor.write: the host must not write within a captured step",
    );
    write();
  }
});

describe("a tensor that was disposed", () => {
  const rule = "every tensor must still have its memory; got one that was disposed";
  const gone = () => {
    const x = vector(1, 2);
    x.dispose();
    return x;
  };

  test("is refused by every op, copy, clear, read and write", async () => {
    expect(() => square(gone())).toThrow(`square: ${rule}`);
    expect(() => sum(gone())).toThrow(rule);
    expect(() => mul(vector(1, 2), gone())).toThrow(rule);
    expect(() => on.device.copy(gone(), vector(1, 2))).toThrow(`copy: ${rule}`);
    expect(() => on.device.copy(vector(1, 2), gone())).toThrow(`copy: ${rule}`);
    expect(() => on.device.clear(gone())).toThrow(`clear: ${rule}`);
    expect(() => gone().write([1, 2])).toThrow(`Tensor.write: ${rule}`);
    await expect(gone().read()).rejects.toThrow(`Tensor.read: ${rule}`);
    gone().dispose(); // once more changes nothing
  });

  test("is refused through an alias, a reshape and a graph, captured or not", async () => {
    const x = vector(1, 2);
    const [flat, matrix, loss] = [x.alias([2]), reshape(x, [1, 2]), sum(square(x))];
    x.dispose();
    expect(() => square(flat)).toThrow(rule);
    expect(() => square(matrix)).toThrow(rule);
    expect(() => grad(loss, [x])).toThrow(rule);
    await expect(compile(on.device, () => square(flat))).rejects.toThrow(rule);
  });

  test("leaves what was recorded before as it was", async () => {
    const x = vector(3, 4);
    const y = square(x);
    x.dispose();
    const stranger = vector(9, 9);
    expect([...(await y.read())]).toEqual([9, 16]);
    expect([...(await stranger.read())]).toEqual([9, 9]);
    const z = square(stranger);
    stranger.dispose();
    await on.device.allocator.trim(); // before anything was submitted
    expect([...(await z.read())]).toEqual([81, 81]);
  });
});
