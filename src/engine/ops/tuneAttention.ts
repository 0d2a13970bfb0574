import type { Device } from "../gpu/device.ts";
import type { AttentionShape } from "../gpu/tuning.ts";
import { Tensor } from "../graph/tensor.ts";
import { separateLayout } from "./attentionLayout.ts";
import { type AttentionPass, attentionMethods, shippedAttention } from "./attentionMethods.ts";
import { backward, forward } from "./attentionPasses.ts";
import { type Subject, tuningNoise } from "./tuningSubject.ts";

/** One pass of an attention of this shape, without a bias. */
export function attentionSubject(
  device: Device,
  op: `attention ${AttentionPass}`,
  shape: AttentionShape,
): Subject {
  const { batch, queries, keys, heads, headSize } = shape;
  const pass = op === "attention forward" ? "forward" : "backward";
  const rows = (count: number) => tuningNoise(device, [batch, count, heads * headSize]);
  const [q, k, v, dy] = [rows(queries), rows(keys), rows(keys), rows(queries)];
  const layout = separateLayout(q.shape, k.shape, v.shape, heads);
  const operands = { q, k, v, bias: undefined };
  const o = Tensor.empty(device, q.shape);
  const statistics = forward(layout, operands, o);
  const gradients = Tensor.empty(device, [q.size + k.size + v.size]);
  const row = heads * headSize;
  const targets = { dqRow: row, dqStart: 0, dkRow: row, dkStart: q.size, dvStart: q.size + k.size };
  const ways: Record<AttentionPass, () => void> = {
    forward: () => void forward(layout, operands, o, statistics),
    backward: () => backward(layout, operands, { o, statistics, dy, gradients, targets }),
  };
  return {
    methods: attentionMethods(device, pass, shape).map(({ name }) => ({
      name,
      isForGpus: name === "staged" || name === "tiles",
    })),
    shipped: shippedAttention(device, pass),
    run: () => device.tidy(ways[pass]),
    outputs: pass === "forward" ? [o, statistics] : [gradients],
    dispose() {
      for (const tensor of [q, k, v, dy, o, statistics, gradients]) tensor.dispose();
    },
  };
}
