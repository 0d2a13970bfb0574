import { expect, test } from "vitest";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { dropout, dropPath } from "../../src/engine/ops/dropout.ts";
import { philox4x32, STREAMS, type Stream, seedKey, uniformFromBits } from "../../src/engine/random.ts";
import { type Array64, array64 } from "../array64.ts";
import { checkOp } from "../checkOp.ts";
import { withDevice } from "../withDevice.ts";

const [SEED, STEP, SITE] = [77, 5, 3];

/** 1 / (1 - p) or 0, by the counters' definition; one for every `inner` values. */
function mask64(x: Array64, p: number, stream: Stream, inner: number): Array64 {
  const factors = array64([x.data.length / inner]);
  factors.data.forEach((_, i) => {
    const block = philox4x32([i >> 2, STEP, STREAMS[stream], SITE], seedKey(SEED));
    factors.data[i] = uniformFromBits(block[i & 3]!) >= p ? 1 / (1 - p) : 0;
  });
  return array64(
    x.shape,
    x.data.map((v, i) => v * factors.data[Math.floor(i / inner)]!),
  );
}

const keyOn = (x: Tensor) => ({ seed: SEED, step: Tensor.from(x.device, [STEP], [], "u32"), site: SITE });
const shapes = [[1], [30], [66], [4, 3, 5], [257]];

for (const p of [0.1, 0.5, 0.9]) {
  checkOp(
    `dropout ${p}`,
    (x) => dropout(x!, p, keyOn(x!)),
    (x) => mask64(x!, p, "dropout", 1),
    shapes.map((shape) => ({ shapes: [shape] })),
  );
  checkOp(
    `dropPath ${p}`,
    (x) => dropPath(x!, p, keyOn(x!)),
    (x) => mask64(x!, p, "dropPath", x!.data.length / x!.shape[0]!),
    [[1], [7, 2, 3], [33, 5], [65]].map((shape) => ({ shapes: [shape] })),
  );
}

const on = withDevice();

test("p = 0 gives x itself; p = 1 is refused", () => {
  const x = Tensor.from(on.device, [1, 2], [2]);
  expect(dropout(x, 0, keyOn(x))).toBe(x);
  expect(dropPath(x, 0, keyOn(x))).toBe(x);
  expect(() => dropout(x, 1, keyOn(x))).toThrow("dropout: p must be at least 0 and below 1; got 1");
  expect(() => dropPath(x, Number.NaN, keyOn(x))).toThrow("dropPath: p must be");
});

test("about 1 - p of the values are kept, others at other sites and steps", async () => {
  const count = 40_000;
  const x = Tensor.from(on.device, new Float32Array(count).fill(1), [count]);
  const keptBy = async (key: { step?: number; site?: number }) => {
    const step = Tensor.from(on.device, [key.step ?? 0], [], "u32");
    const y = await dropout(x, 0.3, { seed: 1, step, site: key.site ?? 0 }).read();
    return Array.from(y, (v) => Number(v > 0));
  };
  const masks = [await keptBy({}), await keptBy({ step: 1 }), await keptBy({ site: 1 })];
  for (const mask of masks) {
    const share = mask.reduce((sum, v) => sum + v, 0) / count;
    expect(Math.abs(share - 0.7)).toBeLessThan(4 * Math.sqrt(0.21 / count));
  }
  for (const other of masks.slice(1)) {
    const both = other.reduce((sum, v, i) => sum + v * masks[0]![i]!, 0) / count;
    expect(Math.abs(both - 0.49)).toBeLessThan(4 * Math.sqrt(0.25 / count));
  }
});
