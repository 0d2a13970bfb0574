// Attention with a lane for OWN queries (forward, dq) or keys (dk, dv), WORKGROUP apart; the other side is walked in blocks
// of BLOCK rows, the softmax kept online. Nothing crosses lanes except the rows that a block shares, so every sum has one fixed
// order. A block's rows serve all of a lane's own; a lane's own rows and sums stay in its private memory, which software
// adapters read with a quarter of a buffer load's instructions. Neither OWN nor BLOCK (8, 16 or 24) changes a bit: the softmax
// is rescaled after every eight keys whatever BLOCK is. Needs attention.wgsl nan.wgsl, and of the host
// block_k, block_v, block_q, block_do: (at, stride, first, count) -> array<vec4f, BLOCK>, the vec4f at `at` of BLOCK
// consecutive rows (attentionRows*.wgsl).

// The lane's number in its workgroup, for kernels that share rows between lanes.
var<private> share_lane: u32;

// Where row r of a lane's own is: WORKGROUP further than row r - 1, and none beyond the last.
fn own_row(group: u32, r: u32, lane: u32, count: u32) -> u32 {
  return min((group * OWN + r) * WORKGROUP + lane, count - 1u);
}

fn own_rows(group: u32, lane: u32, count: u32) -> array<u32, OWN> {
  var rows: array<u32, OWN>;
  for (var r = 0u; r < OWN; r++) {
    rows[r] = own_row(group, r, lane, count);
  }
  return rows;
}

// This lane's queries themselves.
var<private> mine_q: array<array<vec4f, D4>, OWN>;

fn fetch_q(group: vec3u, lane: u32) {
  let q0 = start(sizes.q_start, sizes.q_row, sizes.queries, group.z, group.y);
  for (var r = 0u; r < min(OWN, sizes.queries); r++) { // a bound the compiler does not know: the load is compiled once
    let row = own_row(group.x, r, lane, sizes.queries);
    for (var c = 0u; c < sizes.d4; c++) {
      mine_q[r][c] = q[q0 + row * sizes.q_row + c];
    }
  }
}

// Scores of BLOCK keys for this lane's queries.
fn scores(own: array<u32, OWN>, batch: u32, head: u32, first: u32) -> array<array<f32, BLOCK>, OWN> {
  var score: array<array<f32, BLOCK>, OWN>;
  let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, batch, head);
  for (var r = 0u; r < OWN; r++) {
    score[r] = array<f32, BLOCK>();
  }
  for (var c = 0u; c < sizes.d4; c++) {
    let rows = block_k(k0 + c, sizes.k_row, first, sizes.keys);
    for (var r = 0u; r < OWN; r++) {
      let mine = mine_q[r][c];
      for (var s = 0u; s < BLOCK; s++) {
        score[r][s] = add_dot(score[r][s], mine, rows[s]);
      }
    }
  }
  for (var r = 0u; r < OWN; r++) {
    for (var s = 0u; s < BLOCK; s++) {
      let key = min(first + s, sizes.keys - 1u);
      let value = score[r][s] * sizes.scale + bias_at(batch, head, own[r], key);
      score[r][s] = select(LOWEST, value, first + s < sizes.keys);
    }
  }
  return score;
}

@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> statistics: array<f32>; // lse, then do·o by query

@compute @workgroup_size(WORKGROUP)
fn attention_forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  share_lane = lane;
  let own = own_rows(group.x, lane, sizes.queries);
  fetch_q(group, lane);
  let v0 = start(sizes.v_start, sizes.v_row, sizes.keys, group.z, group.y);
  var acc: array<array<vec4f, D4>, OWN>;
  var most: array<f32, OWN>;
  var total: array<f32, OWN>;
  for (var r = 0u; r < OWN; r++) {
    most[r] = LOWEST;
  }
  for (var first = 0u; first < sizes.keys; first += BLOCK) {
    var p = scores(own, group.z, group.y, first);
    var shrink: array<array<f32, BLOCK / 8u>, OWN>;
    for (var r = 0u; r < OWN; r++) {
      for (var e = 0u; e < BLOCK / 8u; e++) {
        var highest = most[r];
        for (var s = 0u; s < 8u; s++) {
          highest = max(highest, p[r][8u * e + s]);
        }
        shrink[r][e] = exp(most[r] - highest);
        most[r] = highest;
        total[r] *= shrink[r][e];
        for (var s = 0u; s < 8u; s++) {
          let at = 8u * e + s;
          p[r][at] = select(0.0, exp_or_nan(p[r][at] - highest), first + at < sizes.keys);
          total[r] += p[r][at];
        }
      }
    }
    for (var c = 0u; c < D4; c++) {
      let rows = block_v(v0 + c, sizes.v_row, first, sizes.keys);
      for (var r = 0u; r < OWN; r++) {
        var sum = acc[r][c];
        for (var s = 0u; s < BLOCK; s++) {
          if (s % 8u == 0u) {
            sum *= shrink[r][s / 8u];
          }
          sum = fma(vec4f(p[r][s]), rows[s], sum);
        }
        acc[r][c] = sum;
      }
    }
  }
  let width = sizes.heads * D4;
  let o0 = start(0u, width, sizes.queries, group.z, group.y);
  for (var r = 0u; r < OWN; r++) {
    if ((group.x * OWN + r) * WORKGROUP + lane < sizes.queries) {
      for (var c = 0u; c < sizes.d4; c++) {
        o[o0 + own[r] * width + c] = acc[r][c] / total[r];
      }
      statistics[(group.z * sizes.heads + group.y) * sizes.queries + own[r]] = most[r] + log(total[r]);
    }
  }
}

@group(0) @binding(4) var<storage, read> o_saved: array<vec4f>;
@group(0) @binding(6) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> d_out: array<vec4f>; // dq, dk and dv

@compute @workgroup_size(WORKGROUP)
fn attention_backward_q(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  share_lane = lane;
  let own = own_rows(group.x, lane, sizes.queries);
  fetch_q(group, lane);
  let width = sizes.heads * D4;
  let o0 = start(0u, width, sizes.queries, group.z, group.y);
  let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, group.z, group.y);
  let v0 = start(sizes.v_start, sizes.v_row, sizes.keys, group.z, group.y);
  let pairs = (group.z * sizes.heads + group.y) * sizes.queries;
  var acc: array<array<vec4f, D4>, OWN>;
  var delta: array<f32, OWN>;
  var lse: array<f32, OWN>;
  for (var r = 0u; r < OWN; r++) {
    for (var c = 0u; c < sizes.d4; c++) {
      let at = o0 + own[r] * width + c;
      delta[r] = add_dot(delta[r], d_o[at], o_saved[at]);
    }
    lse[r] = statistics[pairs + own[r]];
  }
  for (var first = 0u; first < sizes.keys; first += BLOCK) {
    var ds = scores(own, group.z, group.y, first);
    var dp: array<array<f32, BLOCK>, OWN>;
    for (var r = 0u; r < OWN; r++) {
      dp[r] = array<f32, BLOCK>();
    }
    for (var c = 0u; c < sizes.d4; c++) {
      let rows = block_v(v0 + c, sizes.v_row, first, sizes.keys);
      for (var r = 0u; r < OWN; r++) {
        let arriving = d_o[o0 + own[r] * width + c];
        for (var s = 0u; s < BLOCK; s++) {
          dp[r][s] = add_dot(dp[r][s], arriving, rows[s]);
        }
      }
    }
    for (var r = 0u; r < OWN; r++) {
      for (var s = 0u; s < BLOCK; s++) {
        let value = exp_or_nan(ds[r][s] - lse[r]) * (dp[r][s] - delta[r]) * sizes.scale;
        ds[r][s] = select(0.0, value, first + s < sizes.keys);
      }
    }
    for (var c = 0u; c < D4; c++) {
      let rows = block_k(k0 + c, sizes.k_row, first, sizes.keys);
      for (var r = 0u; r < OWN; r++) {
        var sum = acc[r][c];
        for (var s = 0u; s < BLOCK; s++) {
          sum = fma(vec4f(ds[r][s]), rows[s], sum);
        }
        acc[r][c] = sum;
      }
    }
  }
  let dq0 = start(sizes.dq_start, sizes.dq_row, sizes.queries, group.z, group.y);
  for (var r = 0u; r < OWN; r++) {
    if ((group.x * OWN + r) * WORKGROUP + lane < sizes.queries) {
      for (var c = 0u; c < sizes.d4; c++) {
        d_out[dq0 + own[r] * sizes.dq_row + c] = acc[r][c];
      }
      statistics[sizes.pairs + pairs + own[r]] = delta[r];
    }
  }
}

@group(0) @binding(5) var<storage, read> statistics_saved: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn attention_backward_kv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  share_lane = lane;
  let own = own_rows(group.x, lane, sizes.keys);
  let width = sizes.heads * D4;
  let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, group.z, group.y);
  let v0 = start(sizes.v_start, sizes.v_row, sizes.keys, group.z, group.y);
  let q0 = start(sizes.q_start, sizes.q_row, sizes.queries, group.z, group.y);
  let o0 = start(0u, width, sizes.queries, group.z, group.y);
  let pairs = (group.z * sizes.heads + group.y) * sizes.queries;
  var acc_k: array<array<vec4f, D4>, OWN>;
  var acc_v: array<array<vec4f, D4>, OWN>;
  for (var first = 0u; first < sizes.queries; first += BLOCK) {
    var p: array<array<f32, BLOCK>, OWN>;
    var ds: array<array<f32, BLOCK>, OWN>;
    for (var r = 0u; r < OWN; r++) {
      p[r] = array<f32, BLOCK>();
      ds[r] = array<f32, BLOCK>();
    }
    for (var c = 0u; c < sizes.d4; c++) {
      let rows_q = block_q(q0 + c, sizes.q_row, first, sizes.queries);
      let rows_do = block_do(o0 + c, width, first, sizes.queries);
      for (var r = 0u; r < OWN; r++) {
        let mine_k = k[k0 + own[r] * sizes.k_row + c];
        let mine_v = v[v0 + own[r] * sizes.v_row + c];
        for (var s = 0u; s < BLOCK; s++) {
          p[r][s] = add_dot(p[r][s], rows_q[s], mine_k);
          ds[r][s] = add_dot(ds[r][s], rows_do[s], mine_v);
        }
      }
    }
    for (var r = 0u; r < OWN; r++) {
      for (var s = 0u; s < BLOCK; s++) {
        let i = min(first + s, sizes.queries - 1u);
        let score = p[r][s] * sizes.scale + bias_at(group.z, group.y, i, own[r]);
        p[r][s] = select(0.0, exp_or_nan(score - statistics_saved[pairs + i]), first + s < sizes.queries);
        ds[r][s] = p[r][s] * (ds[r][s] - statistics_saved[sizes.pairs + pairs + i]) * sizes.scale;
      }
    }
    for (var c = 0u; c < D4; c++) {
      let rows_q = block_q(q0 + c, sizes.q_row, first, sizes.queries);
      let rows_do = block_do(o0 + c, width, first, sizes.queries);
      for (var r = 0u; r < OWN; r++) {
        var sum_k = acc_k[r][c];
        var sum_v = acc_v[r][c];
        for (var s = 0u; s < BLOCK; s++) {
          sum_k = fma(vec4f(ds[r][s]), rows_q[s], sum_k);
          sum_v = fma(vec4f(p[r][s]), rows_do[s], sum_v);
        }
        acc_k[r][c] = sum_k;
        acc_v[r][c] = sum_v;
      }
    }
  }
  let out = start(0u, sizes.dk_row, sizes.keys, group.z, group.y);
  for (var r = 0u; r < OWN; r++) {
    if ((group.x * OWN + r) * WORKGROUP + lane < sizes.keys) {
      for (var c = 0u; c < sizes.d4; c++) {
        d_out[sizes.dk_start + out + own[r] * sizes.dk_row + c] = acc_k[r][c];
        d_out[sizes.dv_start + out + own[r] * sizes.dk_row + c] = acc_v[r][c];
      }
    }
  }
}

// The gradient of the bias: ds of each (head, query, key), summed over the pictures that share it.
@group(0) @binding(7) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn attention_backward_bias(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let pairs = sizes.queries * sizes.keys;
  for (var pair = group.x * WORKGROUP + lane; pair < pairs; pair += groups.x * WORKGROUP) {
    dbias[(group.z * sizes.heads + group.y) * pairs + pair] = bias_slope(group, pair);
  }
}

fn bias_slope(group: vec3u, pair: u32) -> f32 {
  let i = pair / sizes.keys;
  let j = pair % sizes.keys;
  let width = sizes.heads * D4;
  var total = 0.0;
  for (var n = 0u; n < sizes.sharing; n++) {
    let batch = group.z + n;
    let q0 = start(sizes.q_start, sizes.q_row, sizes.queries, batch, group.y) + i * sizes.q_row;
    let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, batch, group.y) + j * sizes.k_row;
    let v0 = start(sizes.v_start, sizes.v_row, sizes.keys, batch, group.y) + j * sizes.v_row;
    let o0 = start(0u, width, sizes.queries, batch, group.y) + i * width;
    let row = (batch * sizes.heads + group.y) * sizes.queries + i;
    var product = 0.0;
    var dp = 0.0;
    for (var c = 0u; c < sizes.d4; c++) {
      product = add_dot(product, q[q0 + c], k[k0 + c]);
      dp = add_dot(dp, d_o[o0 + c], v[v0 + c]);
    }
    let score = product * sizes.scale + bias_at(batch, group.y, i, j);
    total += exp_or_nan(score - statistics_saved[row]) * (dp - statistics_saved[sizes.pairs + row]);
  }
  return total;
}
