import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { Random } from "../../src/engine/random.ts";
import { drawErasing, erase } from "../../src/pictures/randomErasing.ts";
import { testRandom } from "../array64.ts";
import { withDevice } from "../withDevice.ts";
import { expectMean, mean } from "./expectMean.ts";

const COUNT = 4000;

const draws = (p: number, side: number) => {
  const random = new Random(7, "erase");
  return Array.from({ length: COUNT }, () => drawErasing(p, side, random));
};

/** Mean area of a box that fits: of areas and aspects on a grid, sides rounded. */
function expectedArea(side: number): number {
  const grid = Array.from({ length: 300 }, (_, i) => (i + 0.5) / 300);
  const areas = grid.flatMap((u) =>
    grid.flatMap((v) => {
      const area = (0.02 + u * (1 / 3 - 0.02)) * side * side;
      const aspect = 0.3 ** (1 - 2 * v);
      const [height, width] = [Math.sqrt(area * aspect), Math.sqrt(area / aspect)].map(Math.round);
      return height! < side && width! < side ? [height! * width!] : [];
    }),
  );
  return mean(areas);
}

describe("what is drawn", () => {
  test.each([0, 0.25, 1])("a picture has a box with probability %f", (p) => {
    const erased = draws(p, 32).map((box) => Number(box.some((value) => value > 0)));
    expectMean("share of pictures", erased, p);
  });

  test.each([3, 8, 32])("boxes of pictures of %i pixels: area, aspect and place", (side) => {
    const boxes = draws(1, side);
    for (const [top, left, height, width] of boxes) {
      expect([top, left, height, width].every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
      expect(top + height <= side && left + width <= side && height < side && width < side).toBe(true);
    }
    const areas = boxes.map(([, , height, width]) => height * width);
    expectMean("area", areas, expectedArea(side));
    const taller = boxes.map(([, , height, width]) => Math.sign(height - width));
    expectMean("taller than wide", taller, 0);
    const places = {
      top: boxes.map(([top, , height]) => ({ at: top, room: side - height })),
      left: boxes.map(([, left, , width]) => ({ at: left, room: side - width })),
    };
    for (const [what, found] of Object.entries(places)) {
      const shares = found.map(({ at, room }) => at / room);
      expectMean(what, shares, 0.5);
      const surplus = found.map(({ at, room }) => Number(at === 0) - 1 / (room + 1));
      expectMean(`${what} at the edge`, surplus, 0);
    }
    // Of 8 pixels the thinnest box has a side of one; of 3 pixels some have none, and nothing is erased.
    const thinnest = Math.min(...boxes.map(([, , height, width]) => Math.min(height, width)));
    expect(thinnest).toBe({ 3: 0, 8: 1, 32: 3 }[side]);
  });
});

const on = withDevice();

test("boxes are filled with the noise, as a loop does: of one pixel, at the edges, of none", async () => {
  const { device } = on;
  const boxes = [
    [2, 3, 1, 4],
    [0, 0, 1, 1],
    [0, 6, 5, 1],
    [4, 0, 1, 7],
    [0, 0, 0, 0],
    [3, 2, 0, 4],
  ];
  const [batch, height, width] = [boxes.length, 5, 7];
  const next = testRandom(9);
  const values = () => Float32Array.from({ length: batch * height * width * 3 }, () => next());
  const [x, noise] = [values(), values()];
  const shape = [batch, height, width, 3];
  const y = await erase(
    Tensor.from(device, x, shape),
    Tensor.from(device, noise, shape),
    Tensor.from(device, boxes.flat(), [batch, 4]),
  ).read();
  const expected = x.map((value, i) => {
    const pixel = Math.floor(i / 3);
    const [column, row] = [pixel % width, Math.floor(pixel / width) % height];
    const [top, left, tall, wide] = boxes[Math.floor(pixel / width / height)] as [
      number,
      number,
      number,
      number,
    ];
    const isErased = row >= top && row < top + tall && column >= left && column < left + wide;
    return isErased ? noise[i]! : value;
  });
  expect(y).toEqual(expected);
});
