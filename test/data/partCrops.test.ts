import { describe, expect, test } from "vitest";
import { type KeypointSet, partCrops } from "../../src/data/partCrops.ts";

/** One picture of 100 x 80 whose red is the column and whose green is the row. */
function withPoints(...points: [x: number, y: number, visible: number][]): KeypointSet {
  const [width, height] = [100, 80];
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels.set([x, y, 0], (y * width + x) * 3);
  return {
    name: "points",
    width,
    height,
    count: 1,
    pixels,
    labels: Int32Array.of(0),
    classes: ["thing"],
    keypoints: Float32Array.from(points.flat()),
    partNames: points.map((_, i) => `part${i}`),
  };
}

describe("the square around a keypoint", () => {
  const set = withPoints([30, 40, 1], [74, 40, 1], [30, 40, 1], [50, 10, 0]);

  test("has the distance to the nearest other visible point as its side, half of it in the paper's code", () => {
    const text = partCrops(set, { size: 44 }); // 44 pixels apart: no resampling
    expect([...text.labels]).toEqual([0, 1, 2]); // the point at the same place does not count, the hidden one not at all
    expect([...text.pixels.subarray(0, 3)]).toEqual([8, 18, 0]); // 30 - 22, 40 - 22
    expect([...text.pixels.subarray(44 * 44 * 3 - 3, 44 * 44 * 3)]).toEqual([51, 61, 0]);
    const code = partCrops(set, { side: "code", size: 22 });
    expect([...code.pixels.subarray(0, 3)]).toEqual([19, 29, 0]); // 30 - 11, 40 - 11
  });

  test("is black beyond the edge of the picture", () => {
    const [, second] = [0, 1].map((i) => partCrops(set, { size: 44 }).pixels.subarray(i * 44 * 44 * 3));
    expect([...second!.subarray(0, 3)]).toEqual([52, 18, 0]);
    expect([...second!.subarray(43 * 3, 44 * 3)]).toEqual([95, 18, 0]); // the picture ends at 100
    const edge = partCrops(withPoints([90, 40, 1], [46, 40, 1]), { size: 44 }).pixels;
    expect([...edge.subarray(31 * 3, 33 * 3)]).toEqual([99, 18, 0, 0, 0, 0]);
  });

  test("is not cut where the neighbour is too near or there is none", () => {
    expect(partCrops(withPoints([30, 40, 1], [70, 40, 1])).count).toBe(0); // d / 2 must be above 20
    expect(partCrops(withPoints([30, 40, 1], [70.5, 40, 1])).count).toBe(2);
    expect(partCrops(withPoints([30, 40, 1], [70, 40, 0])).count).toBe(0);
    expect(partCrops(withPoints([30, 40, 1], [70, 40, 1]), { above: 19 }).count).toBe(2);
  });

  test("halves of pixels go to the even neighbour, as in Python", () => {
    const half = withPoints([30.5, 40, 1], [75.5, 40, 1]); // r = 22.5 -> 22, left = 8.5 -> 8
    expect([...partCrops(half, { size: 44 }).pixels.subarray(0, 3)]).toEqual([8, 18, 0]);
    const other = withPoints([31.5, 40, 1], [78.5, 40, 1]); // r = 23.5 -> 24, left = 7.5 -> 8
    expect([...partCrops(other, { size: 48 }).pixels.subarray(0, 3)]).toEqual([8, 16, 0]);
  });
});

test("only the parts asked for count, in their order, and each crop knows its picture", () => {
  const set = withPoints([10, 40, 1], [40, 40, 1], [90, 40, 1]);
  const crops = partCrops(set, { parts: ["part2", "part0"], size: 8 });
  expect(crops.classes).toEqual(["part2", "part0"]);
  expect([...crops.labels]).toEqual([0, 1]);
  expect([...crops.pictures]).toEqual([0, 0]);
  expect(() => partCrops(set, { parts: ["part0", "beak"] })).toThrow(
    "partCrops: parts must be two or more of part0, part1, part2; got part0, beak",
  );
});
