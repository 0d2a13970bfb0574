import type { GemmMethod } from "../../src/engine/gpu/tuning.ts";

/**
 * What stands for subgroup matrices: every lane holds whole ones and does all of their work. The sides of matrices are told by
 * `side`, which compilers do not know, or they unroll every loop.
 */
const EMULATION = `
struct Left { v: array<f32, MATRIX_M * MATRIX_K> }
struct Right { v: array<f32, MATRIX_K * MATRIX_N> }
struct Sums { v: array<f32, MATRIX_M * MATRIX_N> }

fn side(length: u32) -> u32 {
  return min(length, sizes.m * sizes.n * sizes.k + length - 1u);
}

fn load_left(at: u32, stride: u32, down: u32, along: u32) -> Left {
  var matrix: Left;
  for (var row = 0u; row < side(MATRIX_M); row++) {
    for (var k = 0u; k < side(MATRIX_K); k++) {
      let place = 4u * at + row * select(1u, 4u * stride, down == 1u) + k * select(1u, 4u * stride, along == 1u);
      matrix.v[row * MATRIX_K + k] = f32(shared_a[place / 4u][place % 4u]);
    }
  }
  return matrix;
}

fn load_right(at: u32, stride: u32, down: u32, along: u32) -> Right {
  var matrix: Right;
  for (var k = 0u; k < side(MATRIX_K); k++) {
    for (var column = 0u; column < side(MATRIX_N); column++) {
      let place = 4u * at + k * select(1u, 4u * stride, down == 1u) + column * select(1u, 4u * stride, along == 1u);
      matrix.v[k * MATRIX_N + column] = f32(shared_b[place / 4u][place % 4u]);
    }
  }
  return matrix;
}

fn ones_right() -> Right {
  var matrix: Right;
  for (var i = 0u; i < side(MATRIX_K * MATRIX_N); i++) {
    matrix.v[i] = 1.0;
  }
  return matrix;
}

fn multiply_add(a: Left, b: Right, sums: Sums) -> Sums {
  var left = a;
  var right = b;
  var result = sums;
  for (var row = 0u; row < side(MATRIX_M); row++) {
    for (var column = 0u; column < side(MATRIX_N); column++) {
      for (var k = 0u; k < side(MATRIX_K); k++) {
        let at = row * MATRIX_N + column;
        result.v[at] = fma(left.v[row * MATRIX_K + k], right.v[k * MATRIX_N + column], result.v[at]);
      }
    }
  }
  return result;
}

fn store_sums(at: u32, sums: Sums, stride: u32) {
  var matrix = sums;
  for (var i = 0u; i < side(MATRIX_M * MATRIX_N); i++) {
    shared_y[at + i / MATRIX_N * stride + i % MATRIX_N] = matrix.v[i];
  }
}
`;

/**
 * A method of subgroup matrices with functions of the same meaning for what is not WGSL everywhere: what is left is its text
 * but for them, on any adapter.
 */
export const emulated = (method: GemmMethod): GemmMethod => ({
  ...method,
  name: `emulated ${method.name}`,
  sources: method.sources.map((source) => EMULATION + replaced(source)),
});

const replaced = (source: string): string =>
  source
    .replace(/^alias \w+ = subgroup_matrix_\w+<.*>;$/gm, "")
    .replace(
      /subgroupMatrixLoad<(Left|Right), (row|col)_major>\(&shared_[ab], (.*), (\w+)\);/g,
      (...found) => {
        const [, side, order, at, stride] = found as string[];
        return `load_${side!.toLowerCase()}(${at}, ${stride}, ${order === "row" ? "1u, 0u" : "0u, 1u"});`;
      },
    )
    .replace("Right(1.0h)", "ones_right()")
    .replaceAll("subgroupMatrixMultiplyAccumulate", "multiply_add")
    .replaceAll("subgroupMatrixStore<row_major>(&shared_y, ", "store_sums(");
