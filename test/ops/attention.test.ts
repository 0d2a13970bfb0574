import { expect, test } from "vitest";
import { relativeError } from "../../bench/measure/errors.ts";
import { attention64 as formulas64 } from "../../bench/reference64/layers64.ts";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { attention, selfAttention } from "../../src/engine/ops/attention.ts";
import { Random } from "../../src/engine/random.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

/** Attention by its definition. q [B, N, D], k and v [B, M, D], bias [H, N, M] or [B, H, N, M]. */
function attention64(heads: number) {
  return (q: Array64, k: Array64, v: Array64, bias?: Array64): Array64 => {
    const [B, N, D] = q.shape as [number, number, number];
    const M = k.shape[1]!;
    const d = D / heads;
    const y = array64(q.shape);
    for (let b = 0; b < B; b++) {
      for (let h = 0; h < heads; h++) {
        for (let i = 0; i < N; i++) {
          const scores = Array.from({ length: M }, (_, j) => {
            let s = 0;
            for (let c = 0; c < d; c++) {
              s += q.data[(b * N + i) * D + h * d + c]! * k.data[(b * M + j) * D + h * d + c]!;
            }
            const first = bias && bias.shape.length === 4 ? b * heads : 0;
            return s / Math.sqrt(d) + (bias ? bias.data[((first + h) * N + i) * M + j]! : 0);
          });
          const most = Math.max(...scores);
          const weights = scores.map((s) => Math.exp(s - most));
          const total = weights.reduce((sum, w) => sum + w, 0);
          for (let c = 0; c < d; c++) {
            let sum = 0;
            for (let j = 0; j < M; j++) sum += (weights[j]! / total) * v.data[(b * M + j) * D + h * d + c]!;
            y.data[(b * N + i) * D + h * d + c] = sum;
          }
        }
      }
    }
    return y;
  };
}

/** The same on a packed projection. */
function selfAttention64(heads: number) {
  return (qkv: Array64, bias?: Array64): Array64 => {
    const [B, N, width] = qkv.shape as [number, number, number];
    const D = width / 3;
    const part = (which: number) => {
      const y = array64([B, N, D]);
      for (let i = 0; i < B * N; i++) {
        for (let c = 0; c < D; c++) y.data[i * D + c] = qkv.data[i * width + which * D + c]!;
      }
      return y;
    };
    return attention64(heads)(part(0), part(1), part(2), bias);
  };
}

// A kernel's text follows from the size of a head, from a bias and from how rows are shared out, and software adapters compile
// each for seconds: sizes differ where a case is about them, and are those of another case where it is not.
checkOp("attention", (q, k, v, bias) => attention(q!, k!, v!, 2, bias), attention64(2), [
  {
    shapes: [
      [1, 1, 8],
      [1, 1, 8],
      [1, 1, 8],
    ],
  },
  {
    shapes: [
      [2, 3, 8],
      [2, 5, 8],
      [2, 5, 8],
    ],
  },
  {
    shapes: [
      [1, 9, 8],
      [1, 8, 8],
      [1, 8, 8],
    ],
  },
  {
    shapes: [
      [1, 70, 8],
      [1, 17, 8],
      [1, 17, 8],
    ],
  },
  {
    shapes: [
      [2, 4, 8],
      [2, 9, 8],
      [2, 9, 8],
      [2, 4, 9],
    ],
  },
  {
    shapes: [
      [2, 4, 8],
      [2, 9, 8],
      [2, 9, 8],
      [2, 2, 4, 9],
    ],
  },
  {
    shapes: [
      [1, 3, 8],
      [1, 4, 8],
      [1, 4, 8],
    ],
    low: -12,
    high: 12,
    label: "large scores ",
    gradient: 4e-4,
  },
]);
checkOp("selfAttention", (qkv, bias) => selfAttention(qkv!, 3, bias), selfAttention64(3), [
  { shapes: [[1, 2, 36]] },
  { shapes: [[2, 17, 72]] },
  { shapes: [[1, 65, 36]] },
  {
    shapes: [
      [2, 9, 36],
      [3, 9, 9],
    ],
  },
]);
checkOp("selfAttention, one head of 64", (qkv) => selfAttention(qkv!, 1), selfAttention64(1), [
  { shapes: [[1, 17, 192]] },
]);

const on = withDevice();

test.each([
  { batch: 2, tokens: 197, heads: 2, size: 64 },
  { batch: 1, tokens: 257, heads: 1, size: 128 },
  { batch: 1, tokens: 1025, heads: 1, size: 8 },
])("$tokens tokens, heads of $size: values and gradients against their formulas", async (sizes) => {
  const { batch, tokens, heads, size } = sizes;
  const width = heads * size;
  const random = new Random(3, "test");
  const normal = (count: number) => random.fillNormal(new Float32Array(count));
  const [x, dy] = [normal(batch * tokens * 3 * width), normal(batch * tokens * width)];
  const expected = formulas64(x, { batch, tokens, width, heads });
  const qkv = Tensor.from(on.device, x, [batch, tokens, 3 * width]);
  const y = selfAttention(qkv, heads);
  const [dqkv] = grad(y, [qkv], { seed: Tensor.from(on.device, dy, y.shape) });
  expect(relativeError(await y.read(), expected.y)).toBeLessThan(1e-6);
  expect(relativeError(await dqkv!.read(), expected.backward(dy))).toBeLessThan(1e-6);
});
