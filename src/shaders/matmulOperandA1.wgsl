// Operand A of matmul.wgsl, stored rows of any length: four values one by one, and places in it are counted in values.
// Columns beyond the row, and rows that are not `inside`, count as zeros.

const UNIT_A = 1u;

@group(0) @binding(1) var<storage, read> a: array<f32>;

fn load_a(at: u32, column: u32, columns: u32, inside: bool) -> vec4f {
  let value = vec4f(a[at], a[at + 1u], a[at + 2u], a[at + 3u]);
  let c = column + vec4u(0u, 1u, 2u, 3u);
  return select(vec4f(), value, (c < vec4u(columns)) & vec4<bool>(inside));
}

// One value.
fn value_a(i: u32) -> f32 {
  return a[i];
}
