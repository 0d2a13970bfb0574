// How attentionLanes.wgsl gets a block of rows without subgroups: every lane loads all of them; the address is the same
// for all lanes, which hardware serves with one fetch.

fn block_k(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var rows: array<vec4f, BLOCK>;
  for (var s = 0u; s < BLOCK; s++) {
    rows[s] = k[at + min(first + s, count - 1u) * stride];
  }
  return rows;
}

fn block_v(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var rows: array<vec4f, BLOCK>;
  for (var s = 0u; s < BLOCK; s++) {
    rows[s] = v[at + min(first + s, count - 1u) * stride];
  }
  return rows;
}

fn block_q(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var rows: array<vec4f, BLOCK>;
  for (var s = 0u; s < BLOCK; s++) {
    rows[s] = q[at + min(first + s, count - 1u) * stride];
  }
  return rows;
}

fn block_do(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var rows: array<vec4f, BLOCK>;
  for (var s = 0u; s < BLOCK; s++) {
    rows[s] = d_o[at + min(first + s, count - 1u) * stride];
  }
  return rows;
}
