// The operations between the products.

import type { Tensor } from "../../src/engine/graph/tensor.ts";
import { selfAttention } from "../../src/engine/ops/attention.ts";
import { crossEntropy } from "../../src/engine/ops/crossEntropy.ts";
import { add, geluTanh } from "../../src/engine/ops/elementwise.ts";
import { layerNorm } from "../../src/engine/ops/layerNorm.ts";
import { softmax } from "../../src/engine/ops/softmax.ts";
import { relativeError } from "../measure/errors.ts";
import {
  attention64,
  crossEntropy64,
  geluTanh64,
  type Layer64,
  layerNorm64,
  softmax64,
} from "../reference64/layers64.ts";
import { bothPasses, f32, type Inputs, type OpCase, type OpSize } from "./opCase.ts";

/** Flash attention of a packed projection. Float64 looks at the first and the last picture of the batch. */
export function attentionCases(inputs: Inputs, { batch, tokens, width, heads }: OpSize): OpCase[] {
  const perPicture = tokens * width;
  const qkv = inputs.normal([batch, tokens, 3 * width]);
  const dy = inputs.normal([batch, tokens, width]);
  const products = 2 * batch * tokens * tokens * width; // one product of the size of q kᵀ
  return bothPasses(inputs, {
    name: "attention",
    shape: `[${batch},${heads},${tokens},${width / heads}]`,
    inputs: [qkv.tensor],
    seed: dy.tensor,
    call: () => selfAttention(qkv.tensor, heads),
    cost: {
      forward: { flops: 2 * products, bytes: f32(4 * batch * perPicture) },
      backward: { flops: 5 * products, bytes: f32(8 * batch * perPicture) },
    },
    error(y, [dqkv]) {
      const errors = [0, batch - 1].map((b) => {
        const part = (values: Float32Array, size: number) => values.subarray(b * size, (b + 1) * size);
        const layer = attention64(part(qkv.values, 3 * perPicture), { batch: 1, tokens, width, heads });
        const gradient = layer.backward(part(dy.values, perPicture));
        return {
          forward: relativeError(part(y, perPicture), layer.y),
          backward: relativeError(part(dqkv!, 3 * perPicture), gradient),
        };
      });
      return {
        forward: Math.max(...errors.map(({ forward }) => forward)),
        backward: Math.max(...errors.map(({ backward }) => backward)),
      };
    },
  });
}

/** Layer norm, with the gradients of weight and bias. */
export function layerNormCases(inputs: Inputs, { batch, tokens, width }: OpSize): OpCase[] {
  const rows = batch * tokens;
  const [x, dy] = [inputs.normal([rows, width]), inputs.normal([rows, width])];
  const [weight, bias] = [inputs.normal([width]), inputs.normal([width])];
  const size = rows * width;
  return bothPasses(inputs, {
    name: "layerNorm",
    shape: `[${rows},${width}]`,
    inputs: [x.tensor, weight.tensor, bias.tensor],
    seed: dy.tensor,
    call: () => layerNorm(x.tensor, weight.tensor, bias.tensor),
    cost: {
      forward: { flops: 8 * size, bytes: f32(2 * size) },
      backward: { flops: 16 * size, bytes: f32(3 * size) },
    },
    error(y, [dx, dweight, dbias]) {
      const layer = layerNorm64(x.values, weight.values, bias.values, width);
      const expected = layer.backward(dy.values);
      return {
        forward: relativeError(y, layer.y),
        backward: Math.max(
          relativeError(dx!, expected.x),
          relativeError(dweight!, expected.weight),
          relativeError(dbias!, expected.bias),
        ),
      };
    },
  });
}

/** An operation of one input and a result of the same shape. */
function pointwise(
  inputs: Inputs,
  name: string,
  [rows, width]: [number, number],
  flops: { forward: number; backward: number },
  call: (x: Tensor) => Tensor,
  reference: (x: Float32Array) => Layer64<Float64Array>,
): OpCase[] {
  const [x, dy] = [inputs.normal([rows, width]), inputs.normal([rows, width])];
  const size = rows * width;
  return bothPasses(inputs, {
    name,
    shape: `[${rows},${width}]`,
    inputs: [x.tensor],
    seed: dy.tensor,
    call: () => call(x.tensor),
    cost: {
      forward: { flops: flops.forward * size, bytes: f32(2 * size) },
      backward: { flops: flops.backward * size, bytes: f32(3 * size) },
    },
    error(y, [dx]) {
      const layer = reference(x.values);
      return {
        forward: relativeError(y, layer.y),
        backward: relativeError(dx!, layer.backward(dy.values)),
      };
    },
  });
}

/** GELU as an operation of its own; in an MLP it is part of the products. */
export const geluCases = (inputs: Inputs, { batch, tokens, width }: OpSize): OpCase[] =>
  pointwise(
    inputs,
    "gelu",
    [batch * tokens, 4 * width],
    { forward: 10, backward: 20 },
    (x) => geluTanh(x),
    geluTanh64,
  );

/** Softmax over the keys. */
export const softmaxCases = (inputs: Inputs, { batch, tokens, heads }: OpSize): OpCase[] =>
  pointwise(
    inputs,
    "softmax",
    [batch * heads * tokens, tokens],
    { forward: 4, backward: 4 },
    (x) => softmax(x),
    (x) => softmax64(x, tokens),
  );

/** Addition of a residual; its backward costs nothing. */
export function addCase(inputs: Inputs, { batch, tokens, width }: OpSize): OpCase {
  const shape = [batch * tokens, width];
  const [a, b] = [inputs.normal(shape), inputs.normal(shape)];
  const size = batch * tokens * width;
  return {
    name: "add",
    shape: `[${shape}]`,
    cost: { flops: size, bytes: f32(3 * size) },
    record: () => void add(a.tensor, b.tensor),
    async check() {
      const expected = Float64Array.from(a.values, (value, i) => value + b.values[i]!);
      return relativeError(await add(a.tensor, b.tensor).read(), expected);
    },
  };
}

/** Cross-entropy over many classes. */
export function crossEntropyCases(inputs: Inputs, rows: number, classes: number): OpCase[] {
  const logits = inputs.normal([rows, classes]);
  const labels = inputs.whole([rows], classes);
  const size = rows * classes;
  return bothPasses(inputs, {
    name: "crossEntropy",
    shape: `[${rows},${classes}]`,
    inputs: [logits.tensor, labels.tensor],
    wrt: [logits.tensor],
    call: () => crossEntropy(logits.tensor, labels.tensor),
    cost: {
      forward: { flops: 4 * size, bytes: f32(size) },
      backward: { flops: 4 * size, bytes: f32(2 * size) },
    },
    error(y, [dlogits]) {
      const layer = crossEntropy64(logits.values, labels.values, classes);
      return { forward: relativeError(y, layer.y), backward: relativeError(dlogits!, layer.backward([1])) };
    },
  });
}
