import type { MatmulOptions } from "../src/engine/ops/matmul.ts";
import { type Array64, array64 } from "./array64.ts";

/** The product by its definition, for any batch and either operand stored transposed. */
export function matmul64({ transposeA = false, transposeB = false }: MatmulOptions) {
  return (a: Array64, b: Array64): Array64 => {
    const [a1, a2] = a.shape.slice(-2) as [number, number];
    const [b1, b2] = b.shape.slice(-2) as [number, number];
    const [m, k] = transposeA ? [a2, a1] : [a1, a2];
    const n = transposeB ? b1 : b2;
    const batchShape = a.shape.length > 2 ? a.shape.slice(0, -2) : b.shape.slice(0, -2);
    const y = array64([...batchShape, m, n]);
    const batch = y.data.length / m / n;
    for (let s = 0; s < batch; s++) {
      const [a0, b0] = [a.shape.length > 2 ? s * m * k : 0, b.shape.length > 2 ? s * k * n : 0];
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let total = 0;
          for (let p = 0; p < k; p++) {
            total +=
              a.data[a0 + (transposeA ? p * m + i : i * k + p)]! *
              b.data[b0 + (transposeB ? j * k + p : p * n + j)]!;
          }
          y.data[(s * m + i) * n + j] = total;
        }
      }
    }
    return y;
  };
}
