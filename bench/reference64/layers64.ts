// The layers of a ViT in float64, forward and backward, as plain loops.
import { columnSums64, multiply64, transpose64 } from "./matmul64.ts";

/** A layer's result and the way back: the gradients of its inputs, given that of the result. */
export interface Layer64<Gradients> {
  y: Float64Array;
  backward(dy: ArrayLike<number>): Gradients;
}

/**
 * Pictures of `image` x `image` cut into patches. images [B, H, W, 3] -> [B · N, 3 p p]; within a patch channels come
 * first, as timm's convolution sees them, or last, as MAE's targets have them.
 */
export function patches64(
  images: ArrayLike<number>,
  { batch, image, patch }: { batch: number; image: number; patch: number },
  channels: "first" | "last" = "first",
): Float64Array {
  const grid = image / patch;
  const y = new Float64Array(images.length);
  for (let b = 0; b < batch; b++)
    for (let row = 0; row < image; row++)
      for (let column = 0; column < image; column++)
        for (let c = 0; c < 3; c++) {
          const [i, j] = [row % patch, column % patch];
          const n = (b * grid + Math.floor(row / patch)) * grid + Math.floor(column / patch);
          const inside = channels === "first" ? (c * patch + i) * patch + j : (i * patch + j) * 3 + c;
          y[n * 3 * patch * patch + inside] = images[((b * image + row) * image + column) * 3 + c]!;
        }
  return y;
}

/** x Wᵀ + b. x [m, k], weight [n, k], bias [n] -> [m, n]. */
export function linear64(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  { m, n, k }: { m: number; n: number; k: number },
): Layer64<{ x: Float64Array; weight: Float64Array; bias: Float64Array }> {
  const y = multiply64(x, transpose64(weight, n, k), { m, n, k });
  for (let i = 0; i < y.length; i++) y[i]! += bias[i % n]!;
  return {
    y,
    backward: (dy) => ({
      x: multiply64(dy, weight, { m, n: k, k: n }),
      weight: multiply64(transpose64(dy, m, n), x, { m: n, n: k, k: m }),
      bias: columnSums64(dy, m, n),
    }),
  };
}

/** (x - mean) / √(variance + eps) · weight + bias over rows of n. x [rows, n]. */
export function layerNorm64(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  n: number,
  eps = 1e-6,
): Layer64<{ x: Float64Array; weight: Float64Array; bias: Float64Array }> {
  const rows = x.length / n;
  const standard = new Float64Array(x.length);
  const scales = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let [mean, variance] = [0, 0];
    for (let i = 0; i < n; i++) mean += x[r * n + i]! / n;
    for (let i = 0; i < n; i++) variance += (x[r * n + i]! - mean) ** 2 / n;
    scales[r] = 1 / Math.sqrt(variance + eps);
    for (let i = 0; i < n; i++) standard[r * n + i] = (x[r * n + i]! - mean) * scales[r]!;
  }
  return {
    y: standard.map((value, i) => value * weight[i % n]! + bias[i % n]!),
    backward(dy) {
      const dx = new Float64Array(x.length);
      const dweight = new Float64Array(n);
      for (let r = 0; r < rows; r++) {
        let [mean, along] = [0, 0]; // of d = dy · weight: its mean, and its mean product with the standardised row
        for (let i = 0; i < n; i++) {
          const at = r * n + i;
          mean += (dy[at]! * weight[i]!) / n;
          along += (dy[at]! * weight[i]! * standard[at]!) / n;
          dweight[i]! += dy[at]! * standard[at]!;
        }
        for (let i = 0; i < n; i++) {
          const at = r * n + i;
          dx[at] = scales[r]! * (dy[at]! * weight[i]! - mean - standard[at]! * along);
        }
      }
      return { x: dx, weight: dweight, bias: columnSums64(dy, rows, n) };
    },
  };
}

/** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))) */
export function geluTanh64(x: ArrayLike<number>): Layer64<Float64Array> {
  const a = Math.sqrt(2 / Math.PI);
  const y = new Float64Array(x.length);
  const slope = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    const t = Math.tanh(a * (value + 0.044715 * value ** 3));
    y[i] = 0.5 * value * (1 + t);
    slope[i] = 0.5 * (1 + t) + 0.5 * value * (1 - t * t) * a * (1 + 3 * 0.044715 * value * value);
  }
  return { y, backward: (dy) => slope.map((s, i) => s * dy[i]!) };
}

/** exp(x) / Σ exp(x) over rows of n. */
export function softmax64(x: ArrayLike<number>, n: number): Layer64<Float64Array> {
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += n) {
    let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
    for (let i = start; i < start + n; i++) most = Math.max(most, x[i]!);
    for (let i = start; i < start + n; i++) sum += y[i] = Math.exp(x[i]! - most);
    for (let i = start; i < start + n; i++) y[i]! /= sum;
  }
  return {
    y,
    backward(dy) {
      const dx = new Float64Array(x.length);
      for (let start = 0; start < x.length; start += n) {
        let along = 0;
        for (let i = start; i < start + n; i++) along += dy[i]! * y[i]!;
        for (let i = start; i < start + n; i++) dx[i] = y[i]! * (dy[i]! - along);
      }
      return dx;
    },
  };
}

/** One head: softmax(q kᵀ / √d) v. q, k, v [N, d]. */
function head64(q: Float64Array, k: Float64Array, v: Float64Array, n: number, d: number) {
  const scale = 1 / Math.sqrt(d);
  const scores = multiply64(q, transpose64(k, n, d), { m: n, n, k: d }).map((score) => score * scale);
  const shares = softmax64(scores, n);
  return {
    y: multiply64(shares.y, v, { m: n, n: d, k: n }),
    backward(dy: Float64Array) {
      const dshares = multiply64(dy, transpose64(v, n, d), { m: n, n, k: d });
      const dscores = shares.backward(dshares).map((value) => value * scale);
      return {
        q: multiply64(dscores, k, { m: n, n: d, k: n }),
        k: multiply64(transpose64(dscores, n, n), q, { m: n, n: d, k: n }),
        v: multiply64(transpose64(shares.y, n, n), dy, { m: n, n: d, k: n }),
      };
    },
  };
}

/** Multi-head self-attention of a packed projection. qkv [B, N, 3D], features (q, k, v) x heads x d -> [B, N, D]. */
export function attention64(
  qkv: ArrayLike<number>,
  { batch, tokens, width, heads }: { batch: number; tokens: number; width: number; heads: number },
): Layer64<Float64Array> {
  const d = width / heads;
  const y = new Float64Array(batch * tokens * width);
  const all = Array.from({ length: batch * heads }, (_, index) => {
    const [b, h] = [Math.floor(index / heads), index % heads];
    const at = (part: number, t: number, i: number) => ((b * tokens + t) * 3 + part) * width + h * d + i;
    const out = (t: number, i: number) => (b * tokens + t) * width + h * d + i;
    const take = (part: number) =>
      Float64Array.from({ length: tokens * d }, (_, j) => qkv[at(part, Math.floor(j / d), j % d)]!);
    const head = head64(take(0), take(1), take(2), tokens, d);
    head.y.forEach((value, j) => {
      y[out(Math.floor(j / d), j % d)] = value;
    });
    return { head, at, out };
  });
  return {
    y,
    backward(dy) {
      const dqkv = new Float64Array(qkv.length);
      for (const { head, at, out } of all) {
        const mine = Float64Array.from({ length: tokens * d }, (_, j) => dy[out(Math.floor(j / d), j % d)]!);
        const { q, k, v } = head.backward(mine);
        for (const [part, gradient] of [q, k, v].entries()) {
          gradient.forEach((value, j) => {
            dqkv[at(part, Math.floor(j / d), j % d)] = value;
          });
        }
      }
      return dqkv;
    },
  };
}

/** Mean of -log softmax(logits)[label]. logits [B, K], labels [B] -> [1]. */
export function crossEntropy64(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Layer64<Float64Array> {
  const shares = softmax64(logits, classes).y;
  const rows = logits.length / classes;
  let loss = 0;
  for (let r = 0; r < rows; r++) loss -= Math.log(shares[r * classes + labels[r]!]!) / rows;
  return {
    y: Float64Array.of(loss),
    backward: (dy) =>
      shares.map((share, i) => {
        const hit = labels[Math.floor(i / classes)] === i % classes ? 1 : 0;
        return (dy[0]! * (share - hit)) / rows;
      }),
  };
}

/** AdamW with decoupled weight decay (torch.optim.AdamW), in place; `step` counts from 1. */
export function adamw64(
  { p, m, v }: { p: Float64Array; m: Float64Array; v: Float64Array },
  gradient: ArrayLike<number>,
  rates: { lr: number; beta1: number; beta2: number; eps: number; weightDecay: number; step: number },
): void {
  const { lr, beta1, beta2, eps, weightDecay, step } = rates;
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i]!;
    m[i] = beta1 * m[i]! + (1 - beta1) * g;
    v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
    const root = Math.sqrt(v[i]! / (1 - beta2 ** step)) + eps;
    p[i] = p[i]! * (1 - lr * weightDecay) - (lr * (m[i]! / (1 - beta1 ** step))) / root;
  }
}
