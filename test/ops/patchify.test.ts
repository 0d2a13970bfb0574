import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { patchify, unpatchify } from "../../src/engine/ops/patchify.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** Calls back with the place of every pixel value in the picture and in the patches. */
function eachPlace(
  [b, h, w, c]: readonly number[],
  p: number,
  order: string,
  visit: (picture: number, patches: number) => void,
): void {
  for (let s = 0; s < b!; s++)
    for (let y = 0; y < h!; y++)
      for (let x = 0; x < w!; x++)
        for (let k = 0; k < c!; k++) {
          const token = Math.floor(y / p) * (w! / p) + Math.floor(x / p);
          const [row, column] = [y % p, x % p];
          const inside = order === "channelsLast" ? (row * p + column) * c! + k : (k * p + row) * p + column;
          const length = p * p * c!;
          const tokens = (h! * w!) / (p * p);
          visit(((s * h! + y) * w! + x) * c! + k, (s * tokens + token) * length + inside);
        }
}

function patchify64(shape: number[], p: number, order: string, inverse: boolean) {
  const [b, h, w, c] = shape as [number, number, number, number];
  const cut = [b, (h * w) / (p * p), p * p * c];
  return (x: Array64): Array64 => {
    const y = array64(inverse ? shape : cut);
    eachPlace(shape, p, order, (picture, patches) => {
      if (inverse) y.data[picture] = x.data[patches]!;
      else y.data[patches] = x.data[picture]!;
    });
    return y;
  };
}

const cases: [number[], number][] = [
  [[1, 1, 1, 1], 1],
  [[2, 4, 4, 3], 2],
  [[1, 6, 9, 1], 3],
  [[2, 8, 4, 4], 4],
  [[3, 5, 10, 2], 5],
];
for (const order of ["channelsLast", "channelsFirst"] as const) {
  for (const [shape, p] of cases) {
    const [b, h, w, c] = shape as [number, number, number, number];
    const grid = [h / p, w / p] as const;
    const cut = [b, grid[0] * grid[1], p * p * c];
    checkOp(`patchify ${p} ${order}`, (x) => patchify(x!, p, order), patchify64(shape, p, order, false), [
      { shapes: [shape] },
    ]);
    const back = (x: Tensor) => unpatchify(x, p, { order, grid });
    checkOp(`unpatchify ${p} ${order}`, (x) => back(x!), patchify64(shape, p, order, true), [
      { shapes: [cut] },
    ]);
  }
}

const on = withDevice();

test("the patches must fill the picture", () => {
  const x = Tensor.zeros(on.device, [1, 6, 4, 1]);
  expect(() => patchify(x, 4)).toThrow(
    "patchify: needs x [B, H, W, C] with H and W multiples of the patch size",
  );
  const patches = patchify(x, 2);
  expect(unpatchify(patches, 2, { grid: [3, 2] }).shape).toEqual([1, 6, 4, 1]);
  expect(() => unpatchify(patches, 2)).toThrow("unpatchify: needs x [B, rows * columns, 2 * 2 * C]");
});
