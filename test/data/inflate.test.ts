import { constants, deflateRawSync, deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { inflate } from "../../src/data/inflate.ts";

/** Bytes of several kinds: noise, few values, runs, repetitions at a distance. */
const samples = [1, 2, 300, 70_000, 140_000].flatMap((length) => {
  let state = length;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 16;
  };
  const of = (value: (i: number) => number) => Uint8Array.from({ length }, (_, i) => value(i));
  return [of(next), of(() => next() & 3), of((i) => i >> 9), of((i) => (i % 30_011) * 7), of(() => 0)];
});

test("what zlib compressed comes back, whatever its level and strategy", () => {
  const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants;
  for (const bytes of samples) {
    for (const level of [0, 1, 6, 9])
      for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]) {
        const same = Buffer.compare(inflate(deflateSync(bytes, { level, strategy }), bytes.length), bytes);
        expect(same, `${bytes.length} bytes, level ${level}, strategy ${strategy}`).toBe(0);
      }
  }
});

test("the first bytes are enough, if the rest is whole and not far more", () => {
  const packed = deflateSync(Uint8Array.from({ length: 1000 }, (_, i) => i));
  expect(inflate(packed, 3)).toEqual(Uint8Array.of(0, 1, 2));
  expect(() => inflate(packed, 1001)).toThrow("1000 bytes of pixels, not 1001");
  expect(() => inflate(deflateSync(new Uint8Array(5_000_000)), 3)).toThrow("far more data than there may be");
});

test("a stream that is cut or of another kind is refused", () => {
  const bytes = samples.at(-3)!;
  for (const level of [0, 1, 9]) {
    const packed = deflateSync(bytes.subarray(0, 5000), { level });
    for (let length = 0; length < packed.length; length += 1 + (packed.length >> 7))
      expect(() => inflate(packed.subarray(0, length), 5000), `${length} bytes`).toThrow();
    for (let at = 0; at < packed.length; at += 1 + (packed.length >> 7)) {
      const broken = Uint8Array.from(packed, (byte, i) => (i === at ? byte ^ 0x42 : byte));
      let read: Uint8Array | undefined;
      try {
        read = inflate(broken, 5000);
      } catch (error) {
        expect((error as Error).message).not.toBe("");
      }
      if (read) expect(read, `byte ${at}`).toEqual(bytes.subarray(0, 5000)); // written in another way
    }
  }
  expect(() => inflate(deflateRawSync(bytes), bytes.length)).toThrow("no zlib stream");
});
