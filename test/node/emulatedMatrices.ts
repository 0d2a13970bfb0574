import type { GemmMethod } from "../../src/engine/gpu/tuning.ts";

/**
 * What stands for subgroup matrices of 4 x 4 values and 16 lanes: operands are places in workgroup memory, which stays as it is
 * until all are multiplied, and of sums each lane has one.
 */
const EMULATION = `
var<private> emulated_lane: u32;

struct Operand {
  at: u32,
  down: u32, // from row to row
  along: u32, // from column to column
  is_ones: bool,
}
alias Left = Operand;
alias Right = Operand;
alias Sums = f32;

fn multiply_add(a: Left, b: Right, sums: Sums) -> Sums {
  var result = sums;
  for (var k = 0u; k < 4u; k++) {
    let left = a.at + emulated_lane / 4u * a.down + k * a.along;
    let right = b.at + k * b.down + emulated_lane % 4u * b.along;
    let factor = select(f32(shared_b[right / 4u][right % 4u]), 1.0, b.is_ones);
    result = fma(f32(shared_a[left / 4u][left % 4u]), factor, result);
  }
  return result;
}

fn store_sums(at: u32, sums: Sums, stride: u32) {
  shared_y[at + emulated_lane / 4u * stride + emulated_lane % 4u] = sums;
}
`;

export const EMULATED = { shape: { m: 4, n: 4, k: 4 }, lanes: 16 } as const;

/**
 * A method of such matrices with functions of the same meaning for what is not WGSL everywhere: what is left is its text but for
 * them, on any adapter.
 */
export const emulated = (method: GemmMethod): GemmMethod => ({
  ...method,
  name: `emulated ${method.name}`,
  sources: method.sources.map((source) => EMULATION + replaced(source)),
});

const replaced = (source: string): string =>
  source
    .replace(/^alias \w+ = subgroup_matrix_\w+<.*>;$/gm, "")
    .replace(/subgroupMatrixLoad<\w+, (row|col)_major>\(&shared_[ab], (.*), (\w+)\);/g, (...found) => {
      const [, order, at, stride] = found as string[];
      const strides = order === "row" ? `4u * ${stride}, 1u` : `1u, 4u * ${stride}`;
      return `Operand(4u * (${at}), ${strides}, false);`;
    })
    .replace("Right(1.0h)", "Right(0u, 0u, 0u, true)")
    .replace("let lane = index % LANES;", "let lane = index % LANES;\n  emulated_lane = lane;")
    .replaceAll("subgroupMatrixMultiplyAccumulate", "multiply_add")
    .replaceAll("subgroupMatrixStore<row_major>(&shared_y, ", "store_sums(");
