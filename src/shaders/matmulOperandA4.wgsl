// Operand A of matmul.wgsl, stored rows a multiple of four values long: four values by one vector load, and places in it
// are counted in vectors. Where k is ragged, rows that are not `inside` count as zeros; elsewhere nothing uses them.

const UNIT_A = 4u;

@group(0) @binding(1) var<storage, read> a: array<vec4f>;

fn load_a(at: u32, column: u32, columns: u32, inside: bool) -> vec4f {
  if (RAGGED_K) {
    return select(vec4f(), a[at], inside);
  }
  return a[at];
}

// One value, counted in values.
fn value_a(i: u32) -> f32 {
  return a[i / 4u][i % 4u];
}
