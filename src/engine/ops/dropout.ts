import { fill } from "../graph/fill.ts";
import { defineOp } from "../graph/op.ts";
import { checkDTypes, FLOAT } from "../graph/takes.ts";
import type { Tensor } from "../graph/tensor.ts";
import { mul } from "./elementwise.ts";
import { drawInto, type RandomKey, randomKernel } from "./randomOps.ts";
import { reshape } from "./reshape.ts";

const dropoutKernel = randomKernel("dropout");

/** A key whose stream may be left to the op. */
export type DropoutKey = Omit<RandomKey, "stream"> & Partial<Pick<RandomKey, "stream">>;

function checkProbability(name: string, p: number): void {
  if (!(p >= 0 && p < 1)) throw new Error(`${name}: p must be at least 0 and below 1; got ${p}`);
}

const op = defineOp<[Tensor], { p: number; key: RandomKey }>({
  name: "dropout",
  takes: { x: FLOAT },
  shape: ([x]) => x,
  forward({ inputs: [x], params: { p, key }, output: y }) {
    drawInto(dropoutKernel, y, key, { p, factor: 1 / (1 - p), x });
  },
  backward({ params: { p, key }, into }, dy) {
    const dx = into(0);
    drawInto(dropoutKernel, dx, key, { p, factor: 1 / (1 - p), x: dy });
    return [dx];
  },
});

/**
 * x / (1 - p) where number i of the stream is at least p, else 0, even for NaN. x f32 [...] -> [...]. The mask is drawn again for the
 * gradient, not kept; p is fixed for good, and 0 returns x. Give every layer a `site` of its own, or all drop the same
 * places. torch.nn.functional.dropout in training.
 */
export function dropout(x: Tensor, p: number, key: DropoutKey): Tensor {
  checkDTypes("dropout", { x: FLOAT }, [x]);
  checkProbability("dropout", p);
  return p === 0 ? x : op([x], { p, key: { stream: "dropout", ...key } });
}

/**
 * Drops whole samples: x[b] / (1 - p) where number b of the stream is at least p, else 0 x. x f32 [B, ...] -> [B, ...].
 * Stochastic depth (arXiv:1603.09382), timm's drop_path with scale_by_keep. Give every residual branch its own `site`.
 */
export function dropPath(x: Tensor, p: number, key: DropoutKey): Tensor {
  checkDTypes("dropPath", { x: FLOAT }, [x]);
  checkProbability("dropPath", p);
  if (p === 0) return x;
  const [batch = 1, ...rest] = x.shape;
  const factors = op([fill(x.device, [batch], 1)], { p, key: { stream: "dropPath", ...key } });
  return mul(x, reshape(factors, [batch, ...rest.map(() => 1)]));
}
