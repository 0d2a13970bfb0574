// What a training step does beside the network: crops and the update.
import { crop, resize } from "../../src/data/resize.ts";
import { Parameters } from "../../src/engine/graph/parameters.ts";
import { BOX_WORDS, cropPictures } from "../../src/engine/ops/cropPictures.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { relativeError } from "../measure/errors.ts";
import { adamw64 } from "../reference64/layers64.ts";
import { RATES } from "../stepProblem.ts";
import { f32, type Inputs, type OpCase, type OpSize } from "./opCase.ts";

/** AdamW over the parameters of one transformer block. */
export function adamwCase(inputs: Inputs, { width }: OpSize): OpCase {
  const size = 12 * width * width;
  const { values } = inputs.normal([size], 0.02); // small, so that f32 resolves the change
  const { device } = inputs;
  const parameters = new Parameters(device, [{ name: "block", shape: [12 * width, width], values }]);
  const gradient = inputs.normal([size]);
  parameters.gradients![0]!.write(gradient.values);
  const { beta1, beta2, eps, lr, weightDecay } = RATES;
  const optimizer = adamw(parameters, { beta1, beta2, eps });
  const numbers = inputs.from(Float32Array.from(optimizer.numbers({ step: 1, lr, weightDecay })), [4]);
  const factors = inputs.from(Float32Array.of(1), [1]);
  const record = () => optimizer.update(numbers, factors);
  inputs.onDispose(() => {
    parameters.dispose();
    for (const tensor of Object.values(optimizer.state).flat()) tensor.dispose();
  });
  return {
    name: "adamw",
    shape: `[${size}]`,
    cost: { flops: 12 * size, bytes: f32(7 * size) },
    record,
    async check() {
      record();
      const p = Float64Array.from(values);
      const zeros = () => new Float64Array(size);
      adamw64({ p, m: zeros(), v: zeros() }, gradient.values, { ...RATES, step: 1 });
      const change = (to: ArrayLike<number>) => Float64Array.from(values, (from, i) => to[i]! - from);
      return relativeError(change(await parameters.get("block").read()), change(p));
    },
  };
}

/** Levels that stand for a crop of a channel. */
const PLAIN = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

/** Random crops of pictures one and a half times as large as what comes out, resampled bicubically. */
export function cropCase(inputs: Inputs, { batch }: OpSize, size: number): OpCase {
  const side = Math.ceil((size * 3) / 2);
  const picture = side * side * 3;
  const words = inputs.whole([Math.ceil((batch * picture) / 4)], 2 ** 32 - 1);
  const shards = { tensors: [words.tensor], perShard: batch, count: batch, width: side, height: side };
  const boxes = new Int32Array(batch * BOX_WORDS);
  for (let i = 0; i < batch; i++) {
    const [top, left] = [i % 5, i % 7];
    boxes.set([i, top, left, side - 5 - (i % 3), side - 7 - (i % 2), i % 2], i * BOX_WORDS);
  }
  const boxTensor = inputs.from(boxes, [batch, BOX_WORDS], "i32");
  const call = () => cropPictures(shards, boxTensor, { size, filter: "bicubic", ...PLAIN });
  const results = batch * size * size * 3;
  return {
    name: "cropPictures",
    shape: `[${batch},${side},${side}] -> ${size}`,
    cost: { flops: 2 * 2 * 6 * results, bytes: batch * picture + f32(results) },
    record: () => void call(),
    async check() {
      const y = await call().read();
      const bytes = new Uint8Array(words.values.buffer);
      const errors = [0, batch - 1].map((b) => {
        const [, top, left, height, width, flip] = boxes.subarray(b * BOX_WORDS, (b + 1) * BOX_WORDS);
        const whole = { width: side, height: side, pixels: bytes.slice(b * picture, (b + 1) * picture) };
        const { pixels } = resize(crop(whole, left!, top!, width!, height!), size, size, "bicubic");
        const expected = Float64Array.from({ length: size * size * 3 }, (_, i) => {
          const [row, column, channel] = [Math.floor(i / (3 * size)), Math.floor(i / 3) % size, i % 3];
          const from = flip ? size - 1 - column : column;
          return pixels[(row * size + from) * 3 + channel]! / 255;
        });
        return relativeError(y.subarray(b * expected.length, (b + 1) * expected.length), expected);
      });
      return Math.max(...errors);
    },
  };
}
