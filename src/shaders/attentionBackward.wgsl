// The gradients of attention in one pass, for adapters whose loads cost most (software): scores and dp are computed once
// instead of twice. A workgroup, one subgroup of 4 or 8 lanes, has one picture's head to itself. Its lanes own keys, OWN at a
// time; queries pass in eights, loaded by the lanes in turn. dk and dv add up in a lane's private memory. For dq the eight
// queries change places with the keys, so that a lane has queries of its own, walks the group's keys in their order and adds
// to what dq holds from the keys before: the same sums in the same order as attentionLanes.wgsl's passes, so the same bits.
// Needs attention.wgsl, attentionLanes.wgsl, subgroup4.wgsl or subgroup8.wgsl; bindings as there, `statistics` and `d_out` written.

const MINE = 8u / SHARED; // queries of a lane among eight

@compute @workgroup_size(WORKGROUP)
fn attention_backward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let width = sizes.heads * D4;
  let q0 = start(sizes.q_start, sizes.q_row, sizes.queries, group.z, group.y);
  let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, group.z, group.y);
  let v0 = start(sizes.v_start, sizes.v_row, sizes.keys, group.z, group.y);
  let o0 = start(0u, width, sizes.queries, group.z, group.y);
  let dq0 = start(sizes.dq_start, sizes.dq_row, sizes.queries, group.z, group.y);
  let dk0 = start(0u, sizes.dk_row, sizes.keys, group.z, group.y);
  let pairs = (group.z * sizes.heads + group.y) * sizes.queries;
  let rolled = min(OWN, sizes.keys); // OWN, unknown to the compiler: loads and stores are compiled once, not OWN times
  for (var owners = 0u; owners * OWN * WORKGROUP < sizes.keys; owners++) {
    var mine_k: array<array<vec4f, D4>, OWN>;
    var mine_v: array<array<vec4f, D4>, OWN>;
    var dk: array<array<vec4f, D4>, OWN>;
    var dv: array<array<vec4f, D4>, OWN>;
    for (var r = 0u; r < rolled; r++) {
      let row = own_row(owners, r, lane, sizes.keys);
      for (var c = 0u; c < sizes.d4; c++) {
        mine_k[r][c] = k[k0 + row * sizes.k_row + c];
        mine_v[r][c] = v[v0 + row * sizes.v_row + c];
        dk[r][c] = vec4f();
        dv[r][c] = vec4f();
      }
    }
    for (var first = 0u; first < sizes.queries; first += 8u) {
      var query: array<u32, MINE>;
      var totals: array<vec4f, MINE>; // lse and do·o of a lane's queries
      for (var i = 0u; i < MINE; i++) {
        query[i] = min(first + i * SHARED + lane, sizes.queries - 1u);
        totals[i] = vec4f(statistics[pairs + query[i]], 0.0, 0.0, 0.0);
      }
      var p: array<array<f32, 8>, OWN>;
      var ds: array<array<f32, 8>, OWN>;
      for (var r = 0u; r < OWN; r++) {
        p[r] = array<f32, 8>();
        ds[r] = array<f32, 8>();
      }
      for (var c = 0u; c < sizes.d4; c++) {
        var some_q: array<vec4f, MINE>;
        var some_do: array<vec4f, MINE>;
        for (var i = 0u; i < MINE; i++) {
          some_q[i] = q[q0 + query[i] * sizes.q_row + c];
          some_do[i] = d_o[o0 + query[i] * width + c];
          if (owners == 0u) {
            totals[i].y = add_dot(totals[i].y, some_do[i], o_saved[o0 + query[i] * width + c]);
          }
        }
        let rows_q = share8(some_q[0], some_q[MINE - 1u]);
        let rows_do = share8(some_do[0], some_do[MINE - 1u]);
        for (var r = 0u; r < OWN; r++) {
          let key = mine_k[r][c];
          let value = mine_v[r][c];
          for (var s = 0u; s < 8u; s++) {
            p[r][s] = add_dot(p[r][s], rows_q[s], key);
            ds[r][s] = add_dot(ds[r][s], rows_do[s], value);
          }
        }
      }
      for (var i = 0u; i < MINE; i++) {
        if (owners > 0u) {
          totals[i].y = statistics[sizes.pairs + pairs + query[i]];
        } else if (first + i * SHARED + lane < sizes.queries) {
          statistics[sizes.pairs + pairs + query[i]] = totals[i].y;
        }
      }
      let rows_totals = share8(totals[0], totals[MINE - 1u]);
      var ds_by_query: array<array<f32, 8>, OWN>;
      for (var r = 0u; r < OWN; r++) {
        let is_key = (owners * OWN + r) * WORKGROUP + lane < sizes.keys;
        for (var s = 0u; s < 8u; s++) {
          let i = min(first + s, sizes.queries - 1u);
          let score = p[r][s] * sizes.scale + bias_at(group.z, group.y, i, own_row(owners, r, lane, sizes.keys));
          p[r][s] = select(0.0, exp_or_nan(score - rows_totals[s].x), is_key && first + s < sizes.queries);
          ds[r][s] = p[r][s] * (ds[r][s] - rows_totals[s].y) * sizes.scale;
        }
        ds_by_query[r] = transpose8(ds[r], lane);
      }
      for (var c = 0u; c < sizes.d4; c++) {
        var some_q: array<vec4f, MINE>;
        var some_do: array<vec4f, MINE>;
        var dq: array<vec4f, MINE>;
        for (var i = 0u; i < MINE; i++) {
          some_q[i] = q[q0 + query[i] * sizes.q_row + c];
          some_do[i] = d_o[o0 + query[i] * width + c];
          dq[i] = vec4f();
          if (owners > 0u) {
            dq[i] = d_out[dq0 + query[i] * sizes.dq_row + c];
          }
        }
        let rows_q = share8(some_q[0], some_q[MINE - 1u]);
        let rows_do = share8(some_do[0], some_do[MINE - 1u]);
        for (var r = 0u; r < OWN; r++) {
          var sum_k = dk[r][c];
          var sum_v = dv[r][c];
          for (var s = 0u; s < 8u; s++) {
            sum_k = fma(vec4f(ds[r][s]), rows_q[s], sum_k);
            sum_v = fma(vec4f(p[r][s]), rows_do[s], sum_v);
          }
          dk[r][c] = sum_k;
          dv[r][c] = sum_v;
          let key = mine_k[r][c];
          let rows_k = share8(key, key);
          for (var s = 0u; s < 8u; s++) {
            dq[s / SHARED] = fma(vec4f(ds_by_query[r][s]), rows_k[s], dq[s / SHARED]);
          }
        }
        for (var i = 0u; i < MINE; i++) {
          if (first + i * SHARED + lane < sizes.queries) {
            d_out[dq0 + query[i] * sizes.dq_row + c] = dq[i];
          }
        }
      }
    }
    for (var r = 0u; r < rolled; r++) {
      let row = (owners * OWN + r) * WORKGROUP + lane;
      if (row < sizes.keys) {
        for (var c = 0u; c < sizes.d4; c++) {
          d_out[sizes.dk_start + dk0 + row * sizes.dk_row + c] = dk[r][c];
          d_out[sizes.dv_start + dk0 + row * sizes.dk_row + c] = dv[r][c];
        }
      }
    }
  }
}
