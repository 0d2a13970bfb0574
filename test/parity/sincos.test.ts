import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { positionsFor, sincosPositions } from "../../src/models/positions.ts";
import { withDevice } from "../withDevice.ts";
import { loadFixture } from "./fixture.ts";
import { relativeError } from "./relative.ts";

const fixture = loadFixture("sincos");

describe("fixed positions", () => {
  const cases = (["mae", "moco"] as const).flatMap((order) => [
    { order, grid: 2, width: 8 },
    { order, grid: 4, width: 32 },
  ]);
  test.each(cases)(
    "in $order's order, $grid x $grid of width $width, are PyTorch's within a rounding",
    (options) => {
      const { order, grid, width } = options;
      const positions = sincosPositions(grid, width, order);
      expect([...positions.subarray(0, width)]).toEqual(Array(width).fill(0)); // the class token's
      const off = fixture.values(`${order}.d${width}`).map((v, i) => Math.abs(v - positions[width + i]!));
      expect(Math.max(...off)).toBeLessThanOrEqual(2 ** -24); // one rounding of f32 below 1
    },
  );

  test("need a width of four parts", () => {
    expect(() => sincosPositions(2, 6, "mae")).toThrow("the width must be a multiple of 4; got 6");
  });
});

describe("positions for another grid", () => {
  const on = withDevice();
  const withClass = () => {
    const classToken = Float32Array.from({ length: 8 }, (_, i) => 100 + i);
    const values = [...classToken, ...fixture.values("interpolate.positions")];
    return { classToken, positions: Tensor.from(on.device, values, [1, 17, 8]) };
  };

  test("4x4 to 6x6 by PyTorch's bicubic interpolation; the class token's stays", async () => {
    const { classToken, positions } = withClass();
    const resized = positionsFor(positions, 4, [6, 6]);
    expect(resized.shape).toEqual([1, 37, 8]);
    const values = (await resized.read()) as Float32Array;
    expect(values.subarray(0, 8)).toEqual(classToken);
    expect(relativeError(values.subarray(8), fixture.values("interpolate.bicubic"))).toBeLessThan(1e-6);
  });

  test("the same grid is left alone", () => {
    const { positions } = withClass();
    expect(positionsFor(positions, 4, [4, 4])).toBe(positions);
  });
});
