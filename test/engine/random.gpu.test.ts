import { describe, expect, test } from "vitest";
import { kernel } from "../../src/engine/gpu/kernel.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { philox4x32, Random } from "../../src/engine/random.ts";
import randomWgsl from "../../src/shaders/random.wgsl";
import { withDevice } from "../withDevice.ts";

/** words[i] = philox4x32(counter and key of row i); row = c0 c1 c2 c3 k0 k1 and two unused. */
const philoxRows = kernel("philox_rows", [
  randomWgsl,
  `@group(0) @binding(0) var<storage, read> rows: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> words: array<vec4u>;
@compute @workgroup_size(1)
fn philox_rows(@builtin(workgroup_id) group: vec3u) {
  words[group.x] = philox4x32(rows[2u * group.x], rows[2u * group.x + 1u].xy);
}`,
]);

/** high[i] = mulhi(a[i], b[i]); uniform[i] = uniform_from_bits(a[i]) as bits. */
const pieces = kernel("pieces", [
  randomWgsl,
  `@group(0) @binding(0) var<storage, read> pairs: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> answers: array<vec2u>;
@compute @workgroup_size(1)
fn pieces(@builtin(workgroup_id) group: vec3u) {
  let pair = pairs[group.x];
  answers[group.x] = vec2u(mulhi(pair.x, pair.y), bitcast<u32>(uniform_from_bits(pair.x)));
}`,
]);

type Row = [c0: number, c1: number, c2: number, c3: number, k0: number, k1: number];
const words = (text: string): number[] => text.split(" ").map((word) => Number.parseInt(word, 16));

describe("random.wgsl", () => {
  const on = withDevice();

  async function philoxOf(rows: readonly Row[]): Promise<number[][]> {
    const padded = Uint32Array.from(rows.flatMap((row) => [...row, 0, 0]));
    const x = Tensor.from(on.device, padded, [rows.length, 8], "u32");
    const y = Tensor.empty(on.device, [rows.length, 4], "u32");
    on.device.run(philoxRows, [x, y], rows.length);
    const values = await y.read();
    return rows.map((_, i) => [...values.subarray(4 * i, 4 * i + 4)]);
  }

  test("gives the published words of Random123", async () => {
    // Random123 1.14, tests/kat_vectors, rows "philox4x32 10": counter and key, expected words.
    const vectors = [
      ["00000000 00000000 00000000 00000000 00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
      ["ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"],
      ["243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"],
    ] as const;
    const answers = await philoxOf(vectors.map(([row]) => words(row) as Row));
    expect(answers).toEqual(vectors.map(([, expected]) => words(expected)));
  });

  test("equals random.ts to the bit on counters and keys of every size", async () => {
    const random = new Random(99, "test");
    const word = () => random.nextU32() >>> (random.nextU32() % 32);
    const rows = Array.from({ length: 2000 }, (): Row => [word(), word(), word(), word(), word(), word()]);
    const expected = rows.map(([c0, c1, c2, c3, k0, k1]) => [...philox4x32([c0, c1, c2, c3], [k0, k1])]);
    expect(await philoxOf(rows)).toEqual(expected);
  });

  test("high halves of products and uniform numbers are exact", async () => {
    const edges = [0, 1, 2, 0xff, 0x100, 0xffff, 0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xffffffff];
    const pairs = edges.flatMap((a) => edges.map((b) => [a, b] as const));
    const x = Tensor.from(on.device, pairs.flat(), [pairs.length, 2], "u32");
    const y = Tensor.empty(on.device, [pairs.length, 2], "u32");
    on.device.run(pieces, [x, y], pairs.length);
    const answers = await y.read();
    const uniforms = new Float32Array(answers.buffer);
    for (const [i, [a, b]] of pairs.entries()) {
      expect(BigInt(answers[2 * i]!), `${a} * ${b}`).toBe((BigInt(a) * BigInt(b)) >> 32n);
      expect(uniforms[2 * i + 1], `uniform of ${a}`).toBe(Math.floor(a / 256) / 2 ** 24);
    }
  });
});
