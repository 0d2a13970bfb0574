import { defineOp } from "../graph/op.ts";
import { ANY } from "../graph/takes.ts";
import { type Shape, Tensor } from "../graph/tensor.ts";
import { pad } from "./pad.ts";
import { rearrange } from "./rearrange.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";

/** x with zeros around each picture, as many on each side. */
const framed = (x: Tensor, border: number): Tensor => {
  const [around, none] = [[border, border] as const, [0, 0] as const];
  return border === 0 ? x : pad(x, [none, around, around, ...x.shape.slice(3).map(() => none)]);
};

const op = defineOp<[Tensor], number>({
  name: "unfold",
  takes: { x: ANY },
  shape([x], k): Shape {
    if (x.length !== 4 || !Number.isInteger(k) || k < 1 || k % 2 === 0) {
      throw new Error(`unfold: needs x [B, H, W, C] and an odd side of the windows; got x [${x}], ${k}`);
    }
    const [batch, height, width, channels] = x as [number, number, number, number];
    return [batch, height, width, k * k * channels];
  },
  forward({ inputs: [x], params: k, output: y }) {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const row = (width + k - 1) * channels; // of the framed pictures
    const run = k * channels;
    rearrange(framed(x, (k - 1) / 2), y, [
      { n: batch, x: (height + k - 1) * row, y: height * width * k * run },
      { n: height, x: row, y: width * k * run },
      { n: width, x: channels, y: k * run },
      { n: k, x: row, y: run },
      { n: run, x: 1, y: 1 },
    ]);
  },
  // A pixel has been in k² windows: at (i, j) of the window whose middle lies i - (k - 1) / 2 up and as much to the left.
  backward({ device, inputs: [x], params: k }, dy) {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const length = k * k * channels; // of a window
    const row = (width + k - 1) * length;
    const windows = framed(reshape(dy, [batch, height, width, length]), (k - 1) / 2);
    const from = Tensor.empty(device, [batch, height, width, k * k, channels]);
    // Windows from the last to the first of the k x k, so that all distances are positive.
    const box = [
      { n: batch, x: (height + k - 1) * row, y: height * width * length },
      { n: height, x: row, y: width * length },
      { n: width, x: length, y: length },
      { n: k, x: row - k * channels, y: k * channels },
      { n: k, x: length - channels, y: channels },
      { n: channels, x: 1, y: 1 },
    ];
    rearrange(windows, from, box, { x: (k * k - 1) * channels, y: 0 });
    return [sum(from, 3)];
  },
});

/**
 * The k x k window around every pixel, zeros beyond the edges; k is odd. x [B, H, W, C] -> [B, H, W, k · k · C], a window's
 * values in the order (row, column, channel). torch.nn.functional.unfold(x, k, padding=(k - 1) // 2), which has (channel,
 * row, column) on axis 1. Any dtype.
 */
export const unfold = (x: Tensor, k: number): Tensor => op([x], k);
