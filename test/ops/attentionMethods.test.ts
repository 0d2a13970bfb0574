import { describe, expect, test } from "vitest";
import { classOf, type Tunable, Tuning } from "../../src/engine/gpu/tuning.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { attention, selfAttention } from "../../src/engine/ops/attention.ts";
import { packedLayout } from "../../src/engine/ops/attentionLayout.ts";
import {
  attentionMethods,
  chooseAttention,
  keptBytes,
  shippedAttention,
} from "../../src/engine/ops/attentionMethods.ts";
import { backward, forward } from "../../src/engine/ops/attentionPasses.ts";
import { mean } from "../../src/engine/ops/mean.ts";
import { Random } from "../../src/engine/random.ts";
import { withDevice } from "../withDevice.ts";

const on = withDevice();

const bits = async (tensor: Tensor): Promise<number[]> => [
  ...new Uint32Array((await tensor.read()).slice().buffer),
];

function noise(seed: number, shape: readonly number[]): Tensor {
  const values = new Random(seed, "test").fillNormal(new Float32Array(shape.reduce((p, q) => p * q, 1)));
  return Tensor.from(on.device, values, shape);
}

/** Names these methods, whatever the shape. */
class Fixed extends Tuning {
  readonly #names: Partial<Record<Tunable["op"], string>>;
  constructor(names: Partial<Record<Tunable["op"], string>>) {
    super();
    this.#names = names;
  }
  override choose({ op }: Tunable): string | undefined {
    return this.#names[op];
  }
}

const METHODS = [
  ["lanes", "lanes"],
  ["staged", "tiles"],
] as const;

/** The bits of the result and of all gradients, by the methods of both passes. */
async function bitsByMethod(
  shapes: readonly (readonly number[])[],
  op: (...inputs: Tensor[]) => Tensor,
): Promise<number[][][]> {
  const { device } = on;
  const inputs = shapes.map((shape, i) => noise(i + 1, shape));
  const found: number[][][] = [];
  for (const [f, b] of METHODS) {
    device.tuning = new Fixed({ "attention forward": f, "attention backward": b });
    const y = op(...inputs);
    const gradients = grad(y, inputs, { seed: noise(9, y.shape) });
    found.push(await Promise.all([y, ...gradients].map(bits)));
  }
  device.tuning = new Tuning();
  return found;
}

describe("every method gives the same bits", () => {
  // Sizes and layouts that differ in what a dispatch is told, not in a kernel's text: compiling costs most here.
  const cases: [string, number[][], (...inputs: Tensor[]) => Tensor][] = [
    [
      "packed",
      [
        [2, 37, 48],
        [2, 37, 37],
      ],
      (qkv, bias) => selfAttention(qkv!, 2, bias),
    ],
    [
      "fewer keys than queries, a bias for each picture",
      [
        [2, 37, 16],
        [2, 19, 16],
        [2, 19, 16],
        [2, 2, 37, 19],
      ],
      (q, k, v, bias) => attention(q!, k!, v!, 2, bias),
    ],
    [
      "more keys than queries, one bias for all pictures",
      [
        [3, 19, 16],
        [3, 37, 16],
        [3, 37, 16],
        [2, 19, 37],
      ],
      (q, k, v, bias) => attention(q!, k!, v!, 2, bias),
    ],
  ];
  test.each(cases)("%s", async (_, shapes, op) => {
    const [first, ...others] = await bitsByMethod(shapes, op);
    expect(others).toHaveLength(METHODS.length - 1);
    for (const outputs of others) expect(outputs).toEqual(first);
  });

  test.each(["lanes", "tiles"])(
    "%s: by groups of pictures, and of pairs of a bias that they share",
    expectGroupsEqual,
  );
});

test.each(METHODS)(
  "%s: a row masked everywhere is NaN by -infinity, the mean of v by f32's lowest number",
  async (name) => {
    const { device } = on;
    device.tuning = new Fixed({ "attention forward": name });
    // Sizes whose kernels other tests have compiled; 19 keys leave a part of a block.
    const tokens = 19;
    const [q, k, v] = [1, 2, 3].map((seed) => noise(seed, [1, tokens, 8])) as [Tensor, Tensor, Tensor];
    const masked = async (lowest: readonly number[]) => {
      const masks = new Float32Array(tokens ** 2);
      for (const [row, value] of lowest.entries()) masks.fill(value, (row + 1) * tokens, (row + 2) * tokens);
      return attention(q, k, v, 1, Tensor.from(device, masks, [1, tokens, tokens])).read();
    };
    const open = await masked([]);
    const y = await masked([Number.NEGATIVE_INFINITY, -(2 - 2 ** -23) * 2 ** 127]);
    device.tuning = new Tuning();
    expect(y.slice(0, 8)).toEqual(open.slice(0, 8));
    expect(y.slice(24)).toEqual(open.slice(24));
    expect([...y.slice(8, 16)]).toEqual(Array.from({ length: 8 }, () => Number.NaN));
    const means = await mean(v, 1).read();
    for (const [c, value] of y.slice(16, 24).entries()) expect(value).toBeCloseTo(means[c]!, 6);
  },
);

/** Gradients whose ds fits at once, and two pictures at a time; a workgroup for all pairs of a lane, and for one. */
async function expectGroupsEqual(method: string): Promise<void> {
  const { device } = on;
  device.tuning = new Fixed({ "attention backward": method });
  const [batch, tokens, heads, width] = [5, 19, 2, 16];
  const qkv = noise(1, [batch, tokens, 3 * width]);
  const bias = noise(2, [heads, tokens, tokens]);
  const dy = noise(3, [batch, tokens, width]);
  const layout = packedLayout(qkv.shape, heads);
  const operands = { q: qkv, k: qkv, v: qkv, bias };
  const row = 3 * width;
  const targets = { dqRow: row, dqStart: 0, dkRow: row, dkStart: width, dvStart: 2 * width };
  const o = Tensor.empty(device, dy.shape);
  const statistics = forward(layout, operands, o);
  const limits = [[], [2 * keptBytes(layout), 2], [1]];
  const results = limits.map((some) => {
    const gradients = Tensor.empty(device, qkv.shape);
    const dbias = Tensor.empty(device, bias.shape);
    backward(layout, operands, { o, statistics, dy, gradients, targets, dbias }, ...some);
    return [gradients, dbias];
  });
  const [atOnce, ...byGroups] = await Promise.all(results.map((tensors) => Promise.all(tensors.map(bits))));
  device.tuning = new Tuning();
  for (const outputs of byGroups) expect(outputs).toEqual(atOnce);
}

describe("which method runs", () => {
  const shape = { batch: 2, queries: 197, keys: 197, heads: 6, headSize: 64 };
  const names = (sizes: typeof shape) =>
    attentionMethods(on.device, "backward", sizes).map(({ name }) => name);

  test("what tuning names, or else what ships", () => {
    const { device } = on;
    expect(chooseAttention(device, "forward", shape).name).toBe(shippedAttention(device, "forward"));
    const name = classOf({ op: "attention forward", shape });
    device.tuning.choices = new Map([[name, "staged"]]);
    expect(chooseAttention(device, "forward", shape).name).toBe("staged");
    expect(chooseAttention(device, "backward", shape).name).toBe(shippedAttention(device, "backward"));
    device.tuning.choices = new Map([[name, "of another version"]]);
    expect(chooseAttention(device, "forward", shape).name).toBe(shippedAttention(device, "forward"));
    device.tuning = new Tuning();
  });

  test("no tiles where one picture's ds is too large to keep", () => {
    expect(names(shape)).toContain("tiles");
    expect(names({ ...shape, queries: 4096, keys: 4096 })).not.toContain("tiles");
  });

  test("no method needs more workgroup memory than there is", () => {
    for (let headSize = 4; headSize <= 128; headSize += 4) {
      for (const pass of ["forward", "backward"] as const) {
        for (const { kernels } of attentionMethods(on.device, pass, { ...shape, headSize })) {
          for (const { workgroupBytes } of kernels) {
            expect(workgroupBytes).toBeLessThanOrEqual(on.device.limits.maxComputeWorkgroupStorageSize);
          }
        }
      }
    }
  });
});
