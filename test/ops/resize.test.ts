import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { type ResizeOptions, resize, resizeMatrix } from "../../src/engine/ops/resize.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** The weights of one output pixel in each input pixel, written out from the definition of interpolate. */
function weights64(n: number, to: number, i: number, { mode, antialias = false }: ResizeOptions): number[] {
  const a = antialias ? -0.5 : -0.75;
  const filter = (t: number): number => {
    const d = Math.abs(t);
    if (mode === "bilinear") return d < 1 ? 1 - d : 0;
    if (d < 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
  };
  const scale = n / to;
  const stretch = antialias ? Math.max(scale, 1) : 1;
  const source = (i + 0.5) * scale - 0.5;
  const weights = Array<number>(n).fill(0);
  for (let j = -20; j < n + 20; j++) {
    const inside = j >= 0 && j < n;
    if (inside || !antialias) weights[Math.min(Math.max(j, 0), n - 1)]! += filter((j - source) / stretch);
  }
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.map((w) => w / total);
}

const resize64 =
  (options: ResizeOptions) =>
  (x: Array64): Array64 => {
    const { height, width } = options;
    const [b, h, w, c] = x.shape as [number, number, number, number];
    const y = array64([b, height, width, c]);
    for (let i = 0; i < y.data.length; i++) {
      const [channel, column] = [i % c, Math.floor(i / c) % width];
      const [row, sample] = [Math.floor(i / c / width) % height, Math.floor(i / c / width / height)];
      const [down, across] = [weights64(h, height, row, options), weights64(w, width, column, options)];
      down.forEach((wy, p) => {
        across.forEach((wx, q) => {
          y.data[i]! += wy * wx * x.data[((sample * h + p) * w + q) * c + channel]!;
        });
      });
    }
    return y;
  };

const cases: [number[], number, number][] = [
  [[1, 1, 1, 1], 3, 2],
  [[2, 3, 4, 2], 5, 4],
  [[1, 7, 6, 1], 3, 4],
  [[1, 4, 4, 5], 4, 4],
  [[2, 2, 5, 3], 4, 2],
];
for (const mode of ["bilinear", "bicubic"] as const) {
  for (const antialias of [false, true]) {
    for (const [shape, height, width] of cases) {
      const options = { height, width, mode, antialias };
      const name = `resize ${mode}${antialias ? " antialias" : ""} to ${height} x ${width}`;
      checkOp(name, (x) => resize(x!, options), resize64(options), [{ shapes: [shape] }]);
    }
  }
}

const on = withDevice();

test("bicubic weights halfway between two pixels are those of Keys with a = -0.75", () => {
  expect([...resizeMatrix(4, 2, "bicubic").subarray(0, 4)]).toEqual([0.5, 0.59375, -0.09375, 0]);
});

test("sizes must be whole and x a batch of pictures", () => {
  const x = Tensor.from(on.device, [1], [1, 1, 1, 1]);
  const mode = "bilinear";
  expect(() => resize(x, { height: 0, width: 1, mode })).toThrow("resize: height and width must be positive");
  expect(() => resize(x.alias([1, 1, 1]), { height: 1, width: 1, mode })).toThrow(
    "resize: needs x [B, H, W, C]",
  );
});
