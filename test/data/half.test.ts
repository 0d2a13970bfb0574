import { expect, test } from "vitest";
import { toFloat32, toHalf } from "../../src/data/safetensors.ts";

/** The number behind 16 bits, as the reader has it. */
const numberOf = (bits: number): number =>
  toFloat32({ dtype: "F16", shape: [1], data: Uint16Array.of(bits) })[0]!;

test("every binary16 keeps its bits", () => {
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const value = numberOf(bits);
    if (Number.isNaN(value)) expect(Number.isNaN(numberOf(toHalf(value)))).toBe(true);
    else if (toHalf(value) !== bits) throw new Error(`${bits} became ${toHalf(value)}`);
  }
});

test("what lies between goes to the nearest, halfway to the even one", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [numberOf(bits), numberOf(bits + 1)];
    const middle = (low + high) / 2; // exact in float32
    const even = bits % 2 === 0 ? bits : bits + 1;
    const below = Math.fround(middle - (high - low) / 64);
    const above = Math.fround(middle + (high - low) / 64);
    if (toHalf(middle) !== even || toHalf(below) !== bits || toHalf(above) !== bits + 1) {
      throw new Error(`between ${low} and ${high}: ${[below, middle, above].map(toHalf)}`);
    }
  }
});

test("beyond the largest it is infinite, and next to nothing is 0 with its sign", () => {
  const infinity = Number.POSITIVE_INFINITY;
  expect([65519, 65520, 1e38, infinity, -infinity].map((x) => numberOf(toHalf(x)))).toEqual([
    65504,
    infinity,
    infinity,
    infinity,
    -infinity,
  ]);
  expect([2 ** -25, -(2 ** -26), 1e-40].map((x) => numberOf(toHalf(x)))).toEqual([0, -0, 0]);
  expect(numberOf(toHalf(Math.fround(2 ** -25 * 1.01)))).toBe(2 ** -24);
});
