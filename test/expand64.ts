import { type Array64, array64 } from "./array64.ts";

/** x repeated to a shape by the rules of broadcasting, by plain index arithmetic. */
export function expand64(x: Array64, shape: readonly number[]): Array64 {
  const y = array64(shape);
  const missing = shape.length - x.shape.length;
  for (let i = 0; i < y.data.length; i++) {
    let [rest, at, stride] = [i, 0, 1];
    for (let k = shape.length - 1; k >= missing; k--) {
      const n = x.shape[k - missing]!;
      if (n > 1) at += (rest % shape[k]!) * stride;
      stride *= n;
      rest = Math.floor(rest / shape[k]!);
    }
    y.data[i] = x.data[at]!;
  }
  return y;
}
