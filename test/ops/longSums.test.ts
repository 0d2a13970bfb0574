import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import {
  batchNorm,
  crossEntropy,
  fill,
  layerNorm,
  mean,
  normalize,
  scatterTokens,
  softmax,
  sum,
} from "../../src/engine/ops/index.ts";
import { testRandom } from "../array64.ts";
import { inNodeAlone } from "../inNodeAlone.ts";
import { withDevice } from "../withDevice.ts";

/** What a sum of values of one sign may be off by, however many they are. */
const SUM = 1e-6;

/** Rows, of which a software adapter gets 30,000 a second done; a serial sum over as many is off by 1e-4 or more. */
const ROWS = 100_000;

/** Every addition of equal values is rounded the same way, so a serial sum drifts. */
const VALUES = [1.1, 0.1, 3.124].map(Math.fround);

describe("long sums", () => {
  const on = withDevice();
  const { from } = Tensor;

  function expectNear(found: number, expected: number, what: string): void {
    expect(Math.abs(found - expected) / Math.abs(expected), `${what}: ${found}`).toBeLessThan(SUM);
  }

  test("every place is added once, in rows and columns whose length is no multiple of anything", async () => {
    const n = 16_384 * 2 + 4097;
    const whole = Float32Array.from({ length: 2 * n }, (_, i) => (i % 7) - 3);
    const rows = [0, 1].map((row) => whole.subarray(row * n, row * n + n).reduce((a, b) => a + b, 0));
    const columns = [0, 1].map((column) =>
      whole.filter((_, i) => i % 2 === column).reduce((a, b) => a + b, 0),
    );
    expect([...(await sum(from(on.device, whole, [2, n]), 1).read())]).toEqual(rows);
    expect([...(await sum(from(on.device, whole, [n, 2]), 0).read())]).toEqual(columns);
  });

  // How far a sum drifts follows from the order of its additions, which shapes decide and no adapter (portable.test.ts): one
  // adapter tells. What the other might get wrong, to miss a place or add it twice, is the test above.
  inNodeAlone(() => {
    test.each([
      [8193, VALUES],
      [1_000_000, VALUES],
      [20_000_000, VALUES.slice(0, 1)],
    ])("the mean of %i equal values is that value", async (n, values) => {
      for (const value of values) {
        const x = fill(on.device, [n], value);
        const y = mean(x);
        expectNear(await y.item(), value, `${value}`);
        for (const tensor of [x, y]) tensor.dispose();
      }
    });

    test("of random values", async () => {
      const next = testRandom(5);
      const values = Float32Array.from({ length: 1_000_003 }, next);
      const exact = values.reduce((a, b) => a + b, 0);
      expectNear(await sum(from(on.device, values, [values.length])).item(), exact, "sum");
    });

    test("over columns, of gradients that were broadcast and of gathered rows", async () => {
      const n = 1_000_000;
      for (const value of VALUES) {
        for (const y of [
          sum(fill(on.device, [n, 3], value), 0),
          scatterTokens(fill(on.device, [1, n, 3], value), fill(on.device, [1, n], 1, "u32"), 2),
          scatterTokens(fill(on.device, [1, n, 4], value), fill(on.device, [1, n], 1, "u32"), 2),
        ]) {
          expectNear((await y.read()).at(-1)!, n * value, `${value}`);
        }
      }
    });

    test("statistics of batchNorm and its gradients", async () => {
      const n = 1_000_000;
      const value = VALUES[1]!;
      const x = fill(on.device, [n, 2], value);
      const [weight, bias] = [fill(on.device, [2], 1), fill(on.device, [2], 0)];
      const [runningMean, runningVar] = [fill(on.device, [2], 0), fill(on.device, [2], 1)];
      const y = batchNorm(x, { weight, bias, runningMean, runningVar, momentum: 1, training: true });
      expectNear((await runningMean.read())[0]!, value, "mean");
      const [dbias] = grad(y, [bias], { seed: fill(on.device, y.shape, value) });
      expectNear((await dbias!.read())[0]!, n * value, "gradient of the bias");
    });

    test("statistics of layerNorm over a long row, and the gradients of many rows", async () => {
      const n = 300_000;
      for (const width of [n, n + 1]) {
        const signs = Float32Array.from({ length: width }, (_, i) => (i % 2 === 0 ? 0.1 : 0.3));
        const y = await layerNorm(from(on.device, signs, [1, width])).read();
        const centre = 0.1 + 0.2 * (Math.floor(width / 2) / width);
        expect(Math.abs(y[0]! - (0.1 - centre) / Math.sqrt(0.01 + 1e-6))).toBeLessThan(1e-5);
      }
      const [weight, bias] = [fill(on.device, [4], 1), fill(on.device, [4], 0)];
      const many = layerNorm(fill(on.device, [ROWS, 4], 1), weight, bias);
      const [dbias] = grad(many, [bias], { seed: fill(on.device, many.shape, VALUES[1]!) });
      expectNear((await dbias!.read())[3]!, ROWS * VALUES[1]!, "gradient of the bias");
    });

    test("of exp, squares and losses", async () => {
      const n = 1_000_000;
      const x = fill(on.device, [1, n], VALUES[0]!);
      expectNear((await softmax(x).read())[n - 1]!, 1 / n, "softmax");
      expectNear((await normalize(x).read())[n - 1]!, 1 / Math.sqrt(n), "normalize");
      const labels = fill(on.device, [ROWS], 1, "u32");
      const logits = from(
        on.device,
        Float32Array.from({ length: 2 * ROWS }, (_, i) => i % 2),
        [ROWS, 2],
      );
      expectNear(await crossEntropy(logits, labels).item(), Math.log(1 + Math.exp(-1)), "crossEntropy");
    });
  });
});
