import { describe, expect, test } from "vitest";
import { Guard } from "../../src/engine/graph/guard.ts";
import { LossScale } from "../../src/engine/graph/lossScale.ts";
import { BLOCK, type ParameterSpec, Parameters } from "../../src/engine/graph/parameters.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { type ClipOptions, clipGradients } from "../../src/engine/optim/clip.ts";
import { ema } from "../../src/engine/optim/ema.ts";
import { lars } from "../../src/engine/optim/lars.ts";
import { sgd } from "../../src/engine/optim/sgd.ts";
import { Random } from "../../src/engine/random.ts";
import { MetricRing } from "../../src/engine/step/metricRing.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();
const normal = (size: number, seed: number) => new Random(seed, "test").fillNormal(new Float32Array(size));

/** A matrix, a long vector of several chunks, one value, and something fixed in between. */
const specs: ParameterSpec[] = [
  { name: "matrix", shape: [5, 7], values: normal(35, 1) },
  { name: "fixed", shape: [3], values: normal(3, 2), trained: false },
  { name: "long", shape: [40_000], values: normal(40_000, 3) },
  { name: "one", shape: [1], values: normal(1, 4), rateScale: 0.5 },
];
const trained = specs.filter((spec) => spec.trained !== false);

/** A model and gradients for it; `change` may spoil the flat gradient. */
function prepared(change: (gradients: Float32Array) => void = () => undefined) {
  const params = new Parameters(on.device, specs);
  const [shard] = params.gradients!;
  const gradients = new Float32Array(shard!.size);
  const named = new Map<string, Float32Array>();
  for (const { name, start, size } of params.segments.filter((segment) => segment.trained)) {
    gradients.set(normal(size, 50 + name.length), start);
    named.set(name, gradients.subarray(start, start + size));
  }
  change(gradients);
  shard!.write(gradients);
  return { params, gradients: named };
}

const read = async (tensor: Tensor) => (await tensor.read()) as Float32Array;
const squares = (values: Iterable<number>) => [...values].reduce((sum, v) => sum + v * v, 0);

describe("clipGradients", () => {
  async function clip(options: ClipOptions, change?: (gradients: Float32Array) => void) {
    const { params, gradients } = prepared(change);
    const { factors, norm } = clipGradients(params, new Guard(on.device), options);
    return { factors: [...(await factors.read())], norm: await norm.item(), gradients };
  }

  test("one norm for the model", async () => {
    const { factors, norm, gradients } = await clip({ limit: 10 });
    const expected = Math.sqrt([...gradients.values()].reduce((sum, values) => sum + squares(values), 0));
    expect(norm / expected).toBeCloseTo(1, 6);
    expect(factors.length).toBe(trained.length);
    for (const factor of factors) expect((factor * expected) / 10).toBeCloseTo(1, 6);
  });

  test("one norm for each tensor", async () => {
    const limit = 3;
    const { factors, gradients } = await clip({ limit, by: "tensor" });
    const norms = trained.map(({ name }) => Math.sqrt(squares(gradients.get(name)!)));
    for (const [i, norm] of norms.entries()) {
      expect(factors[i]).toBeCloseTo(Math.min(1, limit / (norm + 1e-6)), 6);
    }
    expect(Math.min(...norms)).toBeLessThan(limit);
    expect(Math.max(...norms)).toBeGreaterThan(limit);
  });

  test("without a limit, or below it, nothing is scaled", async () => {
    expect((await clip({})).factors).toEqual([1, 1, 1]);
    expect((await clip({ limit: 1e4 })).factors).toEqual([1, 1, 1]);
    const zeros = await clip({ limit: 1 }, (gradients) => gradients.fill(0));
    expect([zeros.norm, ...zeros.factors]).toEqual([0, 1, 1, 1]);
  });

  test("a limit that would skip every step is refused", () => {
    const { params } = prepared();
    for (const limit of [0, -1, Number.NaN]) {
      expect(() => clipGradients(params, new Guard(on.device), { limit })).toThrow(
        `clipGradients: limit must be above 0; got ${limit}. Leave it out to clip nothing`,
      );
    }
  });

  test("no limit is finite, so that even gradients of nearly 0 keep factors of 1", async () => {
    const { params } = prepared((gradients) => gradients.fill(1e-30));
    for (const options of [{}, { limit: Number.POSITIVE_INFINITY }]) {
      const { factors } = clipGradients(params, new Guard(on.device), options);
      expect([...(await factors.read())]).toEqual([1, 1, 1]);
    }
  });

  test("needs gradients", () => {
    const params = new Parameters(on.device, specs, { gradients: false });
    expect(() => clipGradients(params, new Guard(on.device))).toThrow(
      "clipGradients: this model was made without gradients",
    );
    expect(() => params.trainable()).toThrow("Parameters.trainable: this model was made without gradients");
  });

  test.each([
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["minus infinity", Number.NEGATIVE_INFINITY],
    ["a square beyond f32", 1e30],
  ])("%s anywhere says: skip, until the run is restarted", async (_, bad) => {
    for (const by of ["model", "tensor"] as const) {
      for (const at of [0, BLOCK + 39_999]) {
        const { params } = prepared((gradients) => gradients.fill(bad, at, at + 1));
        const guard = new Guard(on.device);
        const factors = async () => [
          ...(await clipGradients(params, guard, { limit: 1, by }).factors.read()),
        ];
        expect(await factors()).toEqual([-1, -1, -1]);
        params.gradients![0]!.write(new Float32Array(params.gradients![0]!.size));
        expect(await factors(), "and so do all steps after it").toEqual([-1, -1, -1]);
        guard.restart();
        expect(await factors()).toEqual([1, 1, 1]);
      }
    }
  });
});

describe.each([
  ["adamw", adamw],
  ["sgd", sgd],
  ["lars", lars],
] as const)("%s", (name, make) => {
  const updated = async (options: { bad?: number; weightDecay?: number } = {}) => {
    const { params } = prepared();
    const optimizer = make(params);
    const numbers = (step: number) =>
      Tensor.from(
        on.device,
        optimizer.numbers({ step, lr: 0.1, weightDecay: options.weightDecay ?? 0 }),
        [4],
      );
    optimizer.update(numbers(1), clipGradients(params, new Guard(on.device)).factors);
    if (options.bad !== undefined) {
      const gradients = await read(params.gradients![0]!);
      gradients[7] = options.bad;
      params.gradients![0]!.write(gradients);
      optimizer.update(numbers(2), clipGradients(params, new Guard(on.device)).factors);
    }
    const state = Object.values(optimizer.state);
    const flat = await Promise.all([params.values, ...state].map(([shard]) => read(shard!)));
    return { params, flat, after: await params.read(params.values) };
  };

  test.each([Number.NaN, Number.NEGATIVE_INFINITY])(
    "%f in a gradient leaves everything as it was",
    async (bad) => {
      const { flat } = await updated();
      expect((await updated({ bad })).flat).toEqual(flat);
      expect(flat.every((values) => values.every(Number.isFinite))).toBe(true);
    },
  );

  test("moves what is trained and nothing else, not even the padding", async () => {
    const { params, flat, after } = await updated({ weightDecay: 0.1 });
    const used = new Set(
      params.segments.flatMap(({ start, size }) => Array.from({ length: size }, (_, i) => start + i)),
    );
    for (const values of flat) {
      expect([...values].filter((value, i) => !used.has(i) && value !== 0)).toEqual([]);
    }
    for (const { name: parameter, values, trained: moves = true } of specs) {
      const now = after.get(parameter)!.values;
      if (moves)
        expect(
          now.every((value, i) => value !== values[i]),
          parameter,
        ).toBe(true);
      else expect(now).toEqual(values);
    }
  });

  test("weight decay reaches tensors of several axes, rateScale its own", async () => {
    const [plain, decayed] = [await updated(), await updated({ weightDecay: 0.5 })];
    const parts = [plain.after, decayed.after];
    const changed = trained.filter(
      ({ name: parameter }) =>
        `${parts[0]!.get(parameter)!.values}` !== `${parts[1]!.get(parameter)!.values}`,
    );
    expect(changed.map(({ name: parameter }) => parameter)).toEqual(["matrix"]);

    const one = parts[0]!.get("one")!.values[0]! - specs[3]!.values[0]!;
    const gradient = prepared().gradients.get("one")![0]!;
    const full = name === "adamw" ? -0.1 * Math.sign(gradient) : -0.1 * gradient;
    expect(one / full).toBeCloseTo(0.5, 4);
  });

  test("needs gradients", () => {
    const params = new Parameters(on.device, specs, { gradients: false });
    expect(() => make(params)).toThrow(`${name}: this model was made without gradients`);
  });
});

describe("adamw with a moving average", () => {
  const averageOf = ({ trained: [shard] }: Parameters) => [
    Tensor.from(on.device, normal(shard!.size, 9), shard!.shape),
  ];

  test("gives the bits of the update and of ema behind it, in one dispatch", async () => {
    const results = [];
    for (const inOnePass of [true, false]) {
      const { params } = prepared();
      const average = averageOf(params);
      const guard = new Guard(on.device);
      const optimizer = adamw(params, inOnePass ? { average } : {});
      const before = on.device.counters.dispatches;
      for (const step of [1, 2, 3]) {
        const [averageMomentum, lr, weightDecay] = [1 - 0.1 * step, 0.1 / step, 0.05 * step];
        const numbers = optimizer.numbers({ step, lr, weightDecay, averageMomentum });
        optimizer.update(Tensor.from(on.device, numbers, [4]), Tensor.from(on.device, [1, 0.5, 2], [3]));
        if (!inOnePass) ema(average, params.trained, Tensor.from(on.device, [averageMomentum], []), guard);
      }
      results.push({
        dispatches: on.device.counters.dispatches - before,
        flat: await Promise.all(
          [params.values, average, ...Object.values(optimizer.state)].map(([shard]) => read(shard!)),
        ),
      });
    }
    expect(results[0]!.flat).toEqual(results[1]!.flat);
    expect(results.map(({ dispatches }) => dispatches)).toEqual([3, 6]);
  });

  test("keeps the average when the update is skipped, and needs one of the trained size", async () => {
    const { params } = prepared((gradients) => gradients.fill(Number.NaN, 3, 4));
    const average = averageOf(params);
    const start = await read(average[0]!);
    const optimizer = adamw(params, { average });
    const numbers = optimizer.numbers({ step: 1, lr: 0.1, weightDecay: 0, averageMomentum: 0.5 });
    optimizer.update(
      Tensor.from(on.device, numbers, [4]),
      clipGradients(params, new Guard(on.device)).factors,
    );
    expect(await read(average[0]!)).toEqual(start);
    expect(() => adamw(params, { average: [Tensor.zeros(on.device, [5])] })).toThrow(
      `adamw: the average must have the sizes of the trained shards, ${start.length}; got 5`,
    );
  });
});

describe("ema", () => {
  test("momentum of the old, the rest of the new", async () => {
    const [a, b] = [normal(70, 1), normal(70, 2)];
    const average = Tensor.from(on.device, a, [70]);
    ema(average, Tensor.from(on.device, b, [70]), Tensor.from(on.device, [0.75], []), new Guard(on.device));
    for (const [i, value] of (await read(average)).entries()) {
      expect(value).toBeCloseTo(0.75 * a[i]! + 0.25 * b[i]!, 6);
    }
  });

  test("needs the same sizes", () => {
    const [a, b] = [Tensor.zeros(on.device, [3]), Tensor.zeros(on.device, [4])];
    const mix = (...pair: [Tensor | Tensor[], Tensor | Tensor[]]) =>
      ema(...pair, Tensor.zeros(on.device, []), new Guard(on.device));
    expect(() => mix(a, b)).toThrow("ema: both must have the same sizes; got 3 and 4");
    expect(() => mix([a, b], b)).toThrow("got 3 + 4 and 4");
  });
});

describe("Parameters", () => {
  test("write undoes read, and names what does not fit before anything is written", async () => {
    const { params } = prepared();
    const named = await params.read(params.values);
    expect([...named.keys()]).toEqual(["matrix", "long", "one", "fixed"]);
    expect(named.get("matrix")).toEqual({ shape: [5, 7], values: specs[0]!.values });
    const [other, flat] = [new Parameters(on.device, specs), await read(params.values[0]!)];
    other.values[0]!.write(new Float32Array(flat.length));
    const spoiled = new Map(named).set("one", { shape: [7, 5], values: specs[0]!.values });
    expect(() => other.write(other.values, spoiled)).toThrow("one needs shape [1]; got [7,5]");
    spoiled.delete("one");
    expect(() => other.write(other.values, spoiled)).toThrow("one needs shape [1]; got nothing");
    expect(await read(other.values[0]!)).toEqual(new Float32Array(flat.length));
    other.write(other.values, named);
    expect(await read(other.values[0]!)).toEqual(flat);
    expect((await params.read(params.trained)).has("fixed")).toBe(false);
  });

  test("counts values, not padding", () => {
    const { params } = prepared();
    expect([params.count(), params.count("trained")]).toEqual([40_039, 40_036]);
    expect(params.get("long")).toBe(params.get("long"));
    expect(() => params.get("wide")).toThrow("Parameters: no parameter is called wide; there are");
  });

  test("refuses a name twice and wrong lengths", () => {
    const make = (...given: ParameterSpec[]) => new Parameters(on.device, given);
    expect(() => make(specs[0]!, specs[0]!)).toThrow("Parameters: every name must be used once");
    expect(() => make({ name: "x", shape: [4], values: normal(3, 1) })).toThrow("x needs 4 values; got 3");
  });
});

test.each([
  ["sgd", sgd],
  ["lars", lars],
] as const)("%s refuses a parameter that is late, as it cannot hold it still", (name, make) => {
  const params = new Parameters(on.device, [{ name: "last", shape: [2], values: normal(2, 1), late: true }]);
  expect(() => make(params)).toThrow(
    `${name}: no parameter may be late, since only adamw can hold one still; got last. Use adamw`,
  );
});

test("what a run is made of gives all of its memory back", async () => {
  const { device } = on;
  const held = async () => {
    await device.allocator.trim();
    return device.counters.bytesHeld;
  };
  const before = await held();
  const params = new Parameters(device, specs);
  const guard = new Guard(device, new LossScale(device));
  const parts = [params, adamw(params), sgd(params), lars(params), guard, new MetricRing(device, ["loss"])];
  expect(await held()).toBeGreaterThan(before);
  for (const part of parts) part.dispose();
  expect(await held()).toBe(before);
});
