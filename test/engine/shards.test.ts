import { describe, expect, test } from "vitest";
import { Device } from "../../src/engine/gpu/device.ts";
import { Guard } from "../../src/engine/graph/guard.ts";
import { type ParameterSpec, Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { type ClipOptions, clipGradients } from "../../src/engine/optim/clip.ts";
import { ema } from "../../src/engine/optim/ema.ts";
import { lars } from "../../src/engine/optim/lars.ts";
import type { Optimizer } from "../../src/engine/optim/optimizer.ts";
import { sgd } from "../../src/engine/optim/sgd.ts";
import { Random } from "../../src/engine/random.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const normal = (size: number, seed: number) => new Random(seed, "test").fillNormal(new Float32Array(size));

/** Of several chunks, of a block less one value, of one value; two that are not trained. */
const specs: ParameterSpec[] = [
  ["matrix", [5, 7]],
  ["fixed", [3]],
  ["long", [130, 300]],
  ["one", [1]],
  ["vector", [63]],
  ["square", [40, 40]],
  ["running", [65]],
].map(([name, shape], i) => ({
  name: name as string,
  shape: shape as number[],
  values: normal(
    (shape as number[]).reduce((size, n) => size * n, 1),
    10 + i,
  ),
  trained: name !== "fixed" && name !== "running",
  rateScale: 1 - i / 10,
}));

/** Bytes after which shards are cut: never, in the middle, after every parameter. */
const CUTS = [undefined, 156_416, 256] as const;
const shardsOf = (params: Parameters) => params.values.length;

/** The model with gradients that a step draws. */
function prepared(shardBytes: number | undefined, step = 0): Parameters {
  const params = new Parameters(on.device, specs, shardBytes === undefined ? {} : { shardBytes });
  draw(params, step);
  return params;
}

function draw(params: Parameters, step: number): void {
  for (const [i, view] of params.trainable().into.entries()) view.write(normal(view.size, 100 * step + i));
}

/** Everything by name, as bits. */
async function bitsOf(params: Parameters, ...kept: (readonly Tensor[])[]) {
  const found = new Map<string, Uint32Array>();
  for (const [i, tensors] of [params.values, ...kept].entries()) {
    for await (const [name, { values }] of params.entries(tensors)) {
      found.set(`${i} ${name}`, new Uint32Array(values.buffer));
    }
  }
  return found;
}

/** The names under which two states differ. */
const differing = (a: Map<string, Uint32Array>, b: ReadonlyMap<string, Uint32Array>): string[] =>
  [...a].filter(([name, bits]) => bits.some((word, i) => word !== b.get(name)?.[i])).map(([name]) => name);

const optimizers: [string, (params: Parameters, average: readonly Tensor[]) => Optimizer][] = [
  ["adamw", (params) => adamw(params)],
  ["adamw with an average", (params, average) => adamw(params, { average })],
  ["sgd", (params) => sgd(params)],
  ["sgd with nesterov", (params) => sgd(params, { nesterov: true })],
  ["lars", (params) => lars(params)],
];
const clips: [string, ClipOptions][] = [
  ["by model", { limit: 5 }],
  ["by tensor", { limit: 5, by: "tensor" }],
];

describe.each(optimizers)("%s", (_, make) => {
  test.each(clips)("clipped %s has the same bits in one shard and in any number", async (_by, clip) => {
    const results = [];
    for (const cut of CUTS) {
      const params = prepared(cut);
      const teacher = new Parameters(on.device, specs, { gradients: false, shardBytes: cut ?? 1e9 });
      const guard = new Guard(on.device);
      const optimizer = make(params, teacher.trained);
      const norms = [];
      for (let step = 1; step <= 3; step++) {
        draw(params, step);
        const { factors, norm } = clipGradients(params, guard, clip);
        norms.push(await norm.item(), ...(await factors.read()));
        const rates = { step, lr: 0.1, weightDecay: 0.05, averageMomentum: 0.9 };
        optimizer.update(Tensor.from(on.device, optimizer.numbers(rates), [4]), factors);
        ema(teacher.values, params.values, Tensor.from(on.device, [0.7], []), guard);
      }
      results.push({
        shards: shardsOf(params),
        norms,
        bits: await bitsOf(params, teacher.values, ...Object.values(optimizer.state)),
      });
    }
    const [one, some, each] = results;
    expect(results.map(({ shards }) => shards)).toEqual([1, 2, 7]);
    for (const other of [some!, each!]) {
      expect(other.norms).toEqual(one!.norms);
      expect(differing(one!.bits, other.bits)).toEqual([]);
    }
    const start = new Map(specs.map(({ name, values }) => [`0 ${name}`, new Uint32Array(values.buffer)]));
    expect(differing(start, one!.bits)).toHaveLength(5);
  });
});

test.each(CUTS)("one bad value in the last shard halts all of them, cut at %s", async (cut) => {
  const params = prepared(cut);
  params
    .trainable()
    .into.at(-1)!
    .write(new Float32Array(1600).fill(Number.NaN, 77, 78));
  const { factors } = clipGradients(params, new Guard(on.device));
  expect([...(await factors.read())]).toEqual([-1, -1, -1, -1, -1]);
});

test("shards are cut between parameters, trained ones in front, padding zero", async () => {
  const params = prepared(156_416);
  expect(params.segments.map(({ name, shard, start }) => `${name} ${shard} ${start}`)).toEqual([
    "matrix 0 0",
    "long 0 64",
    "one 1 0",
    "vector 1 64",
    "square 1 128",
    "fixed 1 1728",
    "running 1 1792",
  ]);
  expect(params.trained.map(({ size }) => size)).toEqual([64 + 39_040, 1728]);
  expect(params.gradients!.map(({ size }) => size)).toEqual([64 + 39_040, 1728]);
  const flat = await params.values[1]!.read();
  expect(flat.subarray(1, 64)).toEqual(new Float32Array(63));
  expect(params.get("vector").storage).toBe(params.values[1]!.storage);
});

test("a parameter that no buffer holds is refused in one sentence", () => {
  const most = Math.min(on.device.limits.maxStorageBufferBindingSize, on.device.limits.maxBufferSize);
  const of = (size: number) =>
    new Parameters(Device.planning(on.device), [
      { name: "wide", shape: [size], values: new Float32Array(0) },
    ]);
  expect(of(most / 4).values).toHaveLength(1);
  expect(() => of(most / 4 + 1)).toThrow(
    `Parameters: wide must fit the ${most} bytes that this adapter binds at once; got ${most + 4}. Use a smaller model`,
  );
});
