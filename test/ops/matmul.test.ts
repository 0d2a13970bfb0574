import { describe, expect, test } from "vitest";
import { grad } from "../../src/engine/graph/autograd.ts";
import { fill } from "../../src/engine/graph/fill.ts";
import { Tensor } from "../../src/engine/graph/tensor.ts";
import { gemmMethods } from "../../src/engine/ops/gemmMethods.ts";
import { matmul } from "../../src/engine/ops/matmul.ts";
import { checkOp } from "../checkOp.ts";
import { matmul64 } from "../matmul64.ts";
import { withDevice } from "../withDevice.ts";

const at = (transposed: boolean, rows: number, columns: number) =>
  transposed ? [columns, rows] : [rows, columns];
const sizes = [
  [1, 1, 1],
  [2, 3, 5],
  [4, 4, 4],
  [5, 8, 12],
  [8, 7, 16],
  [17, 33, 9],
  [64, 20, 68],
] as const;

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const options = { transposeA, transposeB };
    checkOp(`matmul ${JSON.stringify(options)}`, (a, b) => matmul(a!, b!, options), matmul64(options), [
      ...sizes.map(([m, n, k]) => ({ shapes: [at(transposeA, m, k), at(transposeB, k, n)] })),
      {
        shapes: [
          [3, ...at(transposeA, 5, 8)],
          [3, ...at(transposeB, 8, 6)],
        ],
      },
      { shapes: [[2, 3, ...at(transposeA, 4, 8)], at(transposeB, 8, 5)] },
      { shapes: [at(transposeA, 4, 3), [2, ...at(transposeB, 3, 5)]] },
    ]);
  }
}

describe("matmul of more matrices than a grid is deep", () => {
  const on = withDevice();

  test("every way to compute them fills each, and the gradient reaches each", async () => {
    const [batch, m, k, n] = [65_537, 1, 3, 2];
    const numbers = (size: number, step: number) =>
      Float32Array.from({ length: size }, (_, i) => ((i * step) % 11) - 5);
    const [a, b] = [numbers(batch * m * k, 7), numbers(batch * k * n, 3)];
    const x = Tensor.from(on.device, a, [batch, m, k]);
    const y = Tensor.from(on.device, b, [batch, k, n]);
    const product = Float32Array.from({ length: batch * m * n }, (_, at) => {
      const [i, row, column] = [Math.floor(at / (m * n)), Math.floor(at / n) % m, at % n];
      let total = 0;
      for (let p = 0; p < k; p++) total += a[(i * m + row) * k + p]! * b[(i * k + p) * n + column]!;
      return total;
    });
    // Large tiles for tiny products take a minute on SwiftShader; workgroup64 has the text of workgroup32, and tiles take
    // seconds to compile everywhere: they have this part of the text in common.
    const swiftshader = on.device.info.architecture.includes("swiftshader");
    const slow = swiftshader ? /workgroup|tile/ : /workgroup64|tile/;
    const methods = gemmMethods(on.device.capabilities).map(({ name }) => name);
    for (const name of methods.filter((method) => !slow.test(method))) {
      on.device.tuning.choose = () => name;
      const found = await matmul(x, y).read();
      expect(
        found.findIndex((value, i) => value !== product[i]),
        name,
      ).toBe(-1);
    }
    on.device.tuning.choose = () => "plain";
    const [dx] = grad(matmul(x, y), [x], { seed: fill(on.device, [batch, m, n], 1) });
    const last = (await dx!.read()).slice(-k);
    const expected = Array.from({ length: k }, (_, p) =>
      b.slice(((batch - 1) * k + p) * n, ((batch - 1) * k + p + 1) * n).reduce((s, v) => s + v, 0),
    );
    expect([...last]).toEqual(expected);
  });
});
