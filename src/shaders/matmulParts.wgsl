// The parts of a product whose k was cut, added in their order: products [parts, m·n] -> y [m·n], and where the product
// sums A's rows, those sums [parts, m] -> [m] in the same dispatch. A thread adds one V of y (f32 or vec4f); the threads
// beyond y add a row's sum each. Needs grid.wgsl, one of the parts, and V declared in front.

// part: sum

struct Parts {
  count: u32,
  size: u32, // of y, in V
  m: u32,
}

@group(0) @binding(0) var<uniform> parts: Parts;
@group(0) @binding(1) var<storage, read> products: array<V>;
@group(0) @binding(2) var<storage, read_write> y: array<V>;

@compute @workgroup_size(WORKGROUP)
fn matmul_parts(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_workgroup(group, groups) * WORKGROUP + lane;
  if (i >= parts.size) {
    add_row_sums(i - parts.size);
    return;
  }
  var total = V();
  for (var part = 0u; part < parts.count; part++) {
    total += products[part * parts.size + i];
  }
  y[i] = total;
}

// part: row sums

@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> row_sums: array<f32>;

fn add_row_sums(row: u32) {
  if (row >= parts.m) {
    return;
  }
  var total = 0.0;
  for (var part = 0u; part < parts.count; part++) {
    total += sums[part * parts.m + row];
  }
  row_sums[row] = total;
}

// part: no row sums

fn add_row_sums(row: u32) {
}
