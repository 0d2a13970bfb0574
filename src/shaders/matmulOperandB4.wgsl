// Operand B of matmul.wgsl, stored rows a multiple of four values long: four values by one vector load, and places in it
// are counted in vectors. Where k is ragged, rows that are not `inside` count as zeros; elsewhere nothing uses them.

const UNIT_B = 4u;

@group(0) @binding(2) var<storage, read> b: array<vec4f>;

fn load_b(at: u32, column: u32, columns: u32, inside: bool) -> vec4f {
  if (RAGGED_K) {
    return select(vec4f(), b[at], inside);
  }
  return b[at];
}

// One value, counted in values.
fn value_b(i: u32) -> f32 {
  return b[i / 4u][i % 4u];
}
