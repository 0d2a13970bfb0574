import { type Array64, array64 } from "./array64.ts";

/** A broadcasting float64 binary op by plain index arithmetic. */
export function broadcast64(f: (a: number, b: number) => number) {
  return (a: Array64, b: Array64): Array64 => {
    const rank = Math.max(a.shape.length, b.shape.length);
    const padded = [a, b].map(({ shape }) => [...Array(rank - shape.length).fill(1), ...shape] as number[]);
    const shape = padded[0]!.map((n, i) => Math.max(n, padded[1]![i]!));
    const y = array64(shape);
    for (let i = 0; i < y.data.length; i++) {
      const at = [0, 0];
      let rest = i;
      const stride = [1, 1];
      for (let k = rank - 1; k >= 0; k--) {
        const position = rest % shape[k]!;
        rest = Math.floor(rest / shape[k]!);
        padded.forEach((p, s) => {
          if (p[k]! > 1) at[s]! += position * stride[s]!;
          stride[s]! *= p[k]!;
        });
      }
      y.data[i] = f(a.data[at[0]!]!, b.data[at[1]!]!);
    }
    return y;
  };
}
