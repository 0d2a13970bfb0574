// What goes before and after attentionTiles.wgsl: do·o of every query; and what is made of ds kept in memory
// [pictures of the group, heads, keys, queries / 4 as vec4f, √d times its size], dq and the bias's gradient. Sums over keys
// and over pictures run in order, as in attentionLanes.wgsl. Needs attention.wgsl.

@group(0) @binding(4) var<storage, read> o_saved: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> statistics: array<f32>; // lse, then do·o by query
@group(0) @binding(6) var<storage, read> d_o: array<vec4f>;

@compute @workgroup_size(64)
fn attention_backward_delta(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let query = group.x * 64u + lane;
  if (query >= sizes.queries) {
    return;
  }
  let width = sizes.heads * D4;
  let at = start(0u, width, sizes.queries, group.z, group.y) + query * width;
  var delta = 0.0;
  for (var c = 0u; c < D4; c++) {
    delta = add_dot(delta, d_o[at + c], o_saved[at + c]);
  }
  statistics[sizes.pairs + (group.z * sizes.heads + group.y) * sizes.queries + query] = delta;
}

// dq: 64 lanes for 32 queries, 8 across and 8 down; a lane adds up four queries at COLUMNS vec4f of the head.
const DOWN = 8u;
const LANES = 64u;
const LONG = 8u * COLUMNS + 1u;
const ROW_LOADS = (KEYS * D4 + LANES - 1u) / LANES; // of a lane

var<workgroup> tile_ds: array<array<vec4f, DOWN>, KEYS>; // four queries a vec4f
var<workgroup> tile_k: array<array<vec4f, LONG>, KEYS>;

@group(0) @binding(7) var<storage, read_write> d_out: array<vec4f>; // dq, dk and dv
@group(0) @binding(9) var<storage, read> kept: array<vec4f>;

@compute @workgroup_size(LANES)
fn attention_backward_q_kept(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let across = lane % 8u;
  let down = lane / 8u;
  let batch = sizes.picture + group.z;
  let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, batch, group.y);
  let query_fours = (sizes.queries + 3u) / 4u;
  let kept0 = (group.z * sizes.heads + group.y) * sizes.keys * query_fours;
  let mine = min(group.x * DOWN + across, query_fours - 1u); // the four queries that this lane loads
  var dq: array<array<vec4f, COLUMNS>, 4>;
  for (var first = 0u; first < sizes.keys; first += KEYS) {
    workgroupBarrier();
    for (var i = 0u; i < KEYS / 8u; i++) {
      let key = 8u * i + down;
      let at = min(first + key, sizes.keys - 1u);
      let ds = kept[kept0 + at * query_fours + mine] * sizes.scale;
      tile_ds[key][across] = select(vec4f(), ds, first + key < sizes.keys);
    }
    for (var l = 0u; l < ROW_LOADS; l++) {
      let e = l * LANES + lane;
      if (ROW_LOADS * LANES == KEYS * D4 || e < KEYS * D4) {
        let at = min(first + e / D4, sizes.keys - 1u);
        tile_k[e / D4][e % D4] = k[k0 + at * sizes.k_row + e % D4];
      }
    }
    workgroupBarrier();
    for (var key = 0u; key < KEYS; key++) {
      let ds = tile_ds[key][down];
      for (var g = 0u; g < COLUMNS; g++) {
        let row = tile_k[key][8u * g + across];
        dq[0][g] = fma(vec4f(ds.x), row, dq[0][g]);
        dq[1][g] = fma(vec4f(ds.y), row, dq[1][g]);
        dq[2][g] = fma(vec4f(ds.z), row, dq[2][g]);
        dq[3][g] = fma(vec4f(ds.w), row, dq[3][g]);
      }
    }
  }
  let out = start(sizes.dq_start, sizes.dq_row, sizes.queries, batch, group.y);
  for (var i = 0u; i < 4u; i++) {
    let query = 4u * (group.x * DOWN + down) + i;
    for (var g = 0u; g < COLUMNS; g++) {
      let c = 8u * g + across;
      if (query < sizes.queries && c < D4) {
        d_out[out + query * sizes.dq_row + c] = dq[i][g];
      }
    }
  }
}

// The gradient of the bias: ds of each (head, query, key), summed over the pictures that share it.
@group(0) @binding(7) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(9) var<storage, read> kept_values: array<f32>;

@compute @workgroup_size(64)
fn attention_backward_bias_kept(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  for (var pair = group.x * 64u + lane; pair < sizes.queries * sizes.keys; pair += groups.x * 64u) {
    add_kept(group, pair);
  }
}

fn add_kept(group: vec3u, pair: u32) {
  let i = pair % sizes.queries; // neighbours read neighbours
  let j = pair / sizes.queries;
  let batch = sizes.picture + group.z;
  let at = batch * sizes.bias_batch + (group.y * sizes.queries + i) * sizes.keys + j;
  let row = (sizes.queries + 3u) / 4u * 4u;
  var total = 0.0;
  if (sizes.bias_batch == 0u && sizes.picture > 0u) {
    total = dbias[at]; // of the groups before
  }
  for (var n = 0u; n < sizes.sharing; n++) {
    total += kept_values[(((group.z + n) * sizes.heads + group.y) * sizes.keys + j) * row + i];
  }
  dbias[at] = total;
}
