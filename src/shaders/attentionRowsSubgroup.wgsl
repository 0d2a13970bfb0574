// How attentionLanes.wgsl gets a block of rows with subgroups: each lane loads BLOCK / SHARED of them, everyone gets all of
// them from registers. Needs subgroup4.wgsl or subgroup8.wgsl.

const LOADS = BLOCK / SHARED;
const EACH = 8u / SHARED; // loads for eight rows

// The row of this lane's load `i`.
fn row_of(i: u32, first: u32, count: u32) -> u32 {
  return min(first + i * SHARED + share_lane % SHARED, count - 1u);
}

// Every lane's loads to all lanes, spelled out in eights; min() keeps what a smaller BLOCK leaves out valid.
fn shared_rows(mine: array<vec4f, LOADS>) -> array<vec4f, BLOCK> {
  var rows: array<vec4f, BLOCK>;
  let rows0 = share8(mine[0], mine[EACH - 1u]);
  for (var s = 0u; s < 8u; s++) {
    rows[s] = rows0[s];
  }
  if (BLOCK > 8u) {
    const at = min(EACH, LOADS - EACH);
    let rows8 = share8(mine[at], mine[at + EACH - 1u]);
    for (var s = 0u; s < 8u; s++) {
      rows[min(8u, BLOCK - 8u) + s] = rows8[s];
    }
  }
  if (BLOCK > 16u) {
    const at = min(2u * EACH, LOADS - EACH);
    let rows16 = share8(mine[at], mine[at + EACH - 1u]);
    for (var s = 0u; s < 8u; s++) {
      rows[min(16u, BLOCK - 8u) + s] = rows16[s];
    }
  }
  return rows;
}

fn block_k(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var mine: array<vec4f, LOADS>;
  for (var i = 0u; i < LOADS; i++) {
    mine[i] = k[at + row_of(i, first, count) * stride];
  }
  return shared_rows(mine);
}

fn block_v(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var mine: array<vec4f, LOADS>;
  for (var i = 0u; i < LOADS; i++) {
    mine[i] = v[at + row_of(i, first, count) * stride];
  }
  return shared_rows(mine);
}

fn block_q(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var mine: array<vec4f, LOADS>;
  for (var i = 0u; i < LOADS; i++) {
    mine[i] = q[at + row_of(i, first, count) * stride];
  }
  return shared_rows(mine);
}

fn block_do(at: u32, stride: u32, first: u32, count: u32) -> array<vec4f, BLOCK> {
  var mine: array<vec4f, LOADS>;
  for (var i = 0u; i < LOADS; i++) {
    mine[i] = d_o[at + row_of(i, first, count) * stride];
  }
  return shared_rows(mine);
}
