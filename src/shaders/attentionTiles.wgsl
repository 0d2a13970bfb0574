// Attention's dk and dv for GPUs, by tiles in workgroup memory. A workgroup has KEYS = ROWS * DOWN keys of one head and walks the
// queries in blocks of 32. Its lanes lie 8 across and DOWN down: a lane computes p and ds of ROWS keys for four neighbouring
// queries, hands them on through workgroup memory, then adds up ROWS keys' dk and dv at COLUMNS vec4f of the head. Without the
// factor 1 / √d, ds is also kept in memory [pictures of the group, heads, keys, queries / 4 as vec4f]: attentionKept.wgsl makes
// dq and the bias's gradient of it. Sums run along the head, then over queries in order, as in attentionLanes.wgsl.
// Rows of tiles are an odd number of vec4f long, so that lanes that read one column meet in no bank. Needs attention.wgsl nan.wgsl.

const KEYS = ROWS * DOWN;
const LANES = 8u * DOWN;
const QUERIES = 32u;
const LONG = 8u * COLUMNS + 1u;
const KEY_LOADS = (KEYS * D4 + LANES - 1u) / LANES; // of a lane
const QUERY_LOADS = (QUERIES * D4 + LANES - 1u) / LANES;

// Key r * DOWN + d of a tile is at [r][d], query 4 d + r at [r][d].
var<workgroup> tile_k: array<array<array<vec4f, LONG>, DOWN>, ROWS>;
var<workgroup> tile_v: array<array<array<vec4f, LONG>, DOWN>, ROWS>;
var<workgroup> tile_q: array<array<array<vec4f, LONG>, 8>, 4>;
var<workgroup> tile_do: array<array<array<vec4f, LONG>, 8>, 4>;
// Four queries a vec4f.
var<workgroup> tile_p: array<array<array<vec4f, 9>, DOWN>, ROWS>;
var<workgroup> tile_ds: array<array<array<vec4f, 9>, DOWN>, ROWS>;

@group(0) @binding(5) var<storage, read> statistics_saved: array<f32>; // lse, then do·o by query
@group(0) @binding(6) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> d_out: array<vec4f>; // dq, dk and dv
@group(0) @binding(9) var<storage, read_write> kept: array<vec4f>; // ds √d

fn add_dots(sum: vec4f, rows: array<vec4f, 4>, x: vec4f) -> vec4f {
  return vec4f(
    add_dot(sum.x, rows[0], x),
    add_dot(sum.y, rows[1], x),
    add_dot(sum.z, rows[2], x),
    add_dot(sum.w, rows[3], x),
  );
}

fn add_rows(sum: vec4f, weights: vec4f, rows: array<vec4f, 4>) -> vec4f {
  let two = fma(vec4f(weights.y), rows[1], fma(vec4f(weights.x), rows[0], sum));
  return fma(vec4f(weights.w), rows[3], fma(vec4f(weights.z), rows[2], two));
}

@compute @workgroup_size(LANES)
fn attention_backward_kv_tiles(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let across = lane % 8u;
  let down = lane / 8u;
  let batch = sizes.picture + group.z;
  let width = sizes.heads * D4;
  let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, batch, group.y);
  let v0 = start(sizes.v_start, sizes.v_row, sizes.keys, batch, group.y);
  let q0 = start(sizes.q_start, sizes.q_row, sizes.queries, batch, group.y);
  let o0 = start(0u, width, sizes.queries, batch, group.y);
  let pairs = (batch * sizes.heads + group.y) * sizes.queries;
  let query_fours = (sizes.queries + 3u) / 4u;
  let kept0 = (group.z * sizes.heads + group.y) * sizes.keys * query_fours;
  let first_key = group.x * KEYS;
  for (var l = 0u; l < KEY_LOADS; l++) {
    let e = l * LANES + lane;
    if (KEY_LOADS * LANES == KEYS * D4 || e < KEYS * D4) {
      let key = e / D4;
      let at = min(first_key + key, sizes.keys - 1u);
      tile_k[key / DOWN][key % DOWN][e % D4] = k[k0 + at * sizes.k_row + e % D4];
      tile_v[key / DOWN][key % DOWN][e % D4] = v[v0 + at * sizes.v_row + e % D4];
    }
  }
  var dk: array<array<vec4f, COLUMNS>, ROWS>;
  var dv: array<array<vec4f, COLUMNS>, ROWS>;
  for (var first = 0u; first < sizes.queries; first += QUERIES) {
    workgroupBarrier();
    for (var l = 0u; l < QUERY_LOADS; l++) {
      let e = l * LANES + lane;
      if (QUERY_LOADS * LANES == QUERIES * D4 || e < QUERIES * D4) {
        let query = e / D4;
        let at = min(first + query, sizes.queries - 1u);
        tile_q[query % 4u][query / 4u][e % D4] = q[q0 + at * sizes.q_row + e % D4];
        tile_do[query % 4u][query / 4u][e % D4] = d_o[o0 + at * width + e % D4];
      }
    }
    workgroupBarrier();

    var p = array<vec4f, ROWS>();
    var dp = array<vec4f, ROWS>();
    for (var c = 0u; c < D4; c++) {
      let rows = array(tile_q[0][across][c], tile_q[1][across][c], tile_q[2][across][c], tile_q[3][across][c]);
      for (var r = 0u; r < ROWS; r++) {
        p[r] = add_dots(p[r], rows, tile_k[r][down][c]);
      }
    }
    for (var c = 0u; c < D4; c++) {
      let rows = array(tile_do[0][across][c], tile_do[1][across][c], tile_do[2][across][c], tile_do[3][across][c]);
      for (var r = 0u; r < ROWS; r++) {
        dp[r] = add_dots(dp[r], rows, tile_v[r][down][c]);
      }
    }

    let four = first + 4u * across + vec4u(0u, 1u, 2u, 3u);
    let at = min(four, vec4u(sizes.queries - 1u));
    let lse0 = pairs + at;
    let delta0 = sizes.pairs + lse0;
    let lse = vec4f(
      statistics_saved[lse0.x],
      statistics_saved[lse0.y],
      statistics_saved[lse0.z],
      statistics_saved[lse0.w],
    );
    let delta = vec4f(
      statistics_saved[delta0.x],
      statistics_saved[delta0.y],
      statistics_saved[delta0.z],
      statistics_saved[delta0.w],
    );
    for (var r = 0u; r < ROWS; r++) {
      let key = first_key + r * DOWN + down;
      let own = min(key, sizes.keys - 1u);
      let biases = vec4f(
        bias_at(batch, group.y, at.x, own),
        bias_at(batch, group.y, at.y, own),
        bias_at(batch, group.y, at.z, own),
        bias_at(batch, group.y, at.w, own),
      );
      let weights = select(vec4f(), exp_or_nan(p[r] * sizes.scale + biases - lse), four < vec4u(sizes.queries));
      let ds = weights * (dp[r] - delta);
      tile_p[r][down][across] = weights;
      tile_ds[r][down][across] = ds * sizes.scale;
      if (key < sizes.keys && four.x < sizes.queries) {
        kept[kept0 + key * query_fours + four.x / 4u] = ds;
      }
    }
    workgroupBarrier();

    for (var f = 0u; f < 8u; f++) {
      for (var g = 0u; g < COLUMNS; g++) {
        let c = 8u * g + across;
        let rows_q = array(tile_q[0][f][c], tile_q[1][f][c], tile_q[2][f][c], tile_q[3][f][c]);
        let rows_do = array(tile_do[0][f][c], tile_do[1][f][c], tile_do[2][f][c], tile_do[3][f][c]);
        for (var r = 0u; r < ROWS; r++) {
          dk[r][g] = add_rows(dk[r][g], tile_ds[r][down][f], rows_q);
          dv[r][g] = add_rows(dv[r][g], tile_p[r][down][f], rows_do);
        }
      }
    }
  }
  let out = start(0u, sizes.dk_row, sizes.keys, batch, group.y);
  for (var r = 0u; r < ROWS; r++) {
    let key = first_key + r * DOWN + down;
    for (var g = 0u; g < COLUMNS; g++) {
      let c = 8u * g + across;
      if (key < sizes.keys && c < D4) {
        d_out[sizes.dk_start + out + key * sizes.dk_row + c] = dk[r][g];
        d_out[sizes.dv_start + out + key * sizes.dk_row + c] = dv[r][g];
      }
    }
  }
}
