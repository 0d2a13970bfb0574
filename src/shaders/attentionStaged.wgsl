// Attention's forward pass for GPUs: a lane has one query and its sums in registers, WORKGROUP queries of one head a workgroup.
// KEYS keys and values at a time pass through workgroup memory, where all lanes read the same address at once. The softmax is
// rescaled after every eight keys, as in attentionLanes.wgsl. Lanes without a query load and wait, and a warp of them costs no
// arithmetic. Needs attention.wgsl nan.wgsl.

const EIGHTS = KEYS / 8u;
const LOADS = (KEYS * D4 + WORKGROUP - 1u) / WORKGROUP; // of a lane
const IS_EVEN = LOADS * WORKGROUP == KEYS * D4;

// One dynamic index, so that the bounds are checked once for eight keys.
var<workgroup> staged_k: array<array<array<vec4f, D4>, 8>, EIGHTS>;
var<workgroup> staged_v: array<array<array<vec4f, D4>, 8>, EIGHTS>;

@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> statistics: array<f32>; // lse, then room for do·o by query

@compute @workgroup_size(WORKGROUP)
fn attention_forward_staged(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let query = group.x * WORKGROUP + lane;
  let row = min(query, sizes.queries - 1u);
  let q0 = start(sizes.q_start, sizes.q_row, sizes.queries, group.z, group.y) + row * sizes.q_row;
  let k0 = start(sizes.k_start, sizes.k_row, sizes.keys, group.z, group.y);
  let v0 = start(sizes.v_start, sizes.v_row, sizes.keys, group.z, group.y);
  var mine: array<vec4f, D4>;
  var acc: array<vec4f, D4>;
  for (var c = 0u; c < D4; c++) {
    mine[c] = q[q0 + c];
  }
  var most = LOWEST;
  var total = 0.0;
  for (var first = 0u; first < sizes.keys; first += KEYS) {
    workgroupBarrier();
    for (var l = 0u; l < LOADS; l++) {
      let e = l * WORKGROUP + lane;
      if (IS_EVEN || e < KEYS * D4) {
        let key = e / D4;
        let at = min(first + key, sizes.keys - 1u);
        staged_k[key / 8u][key % 8u][e % D4] = k[k0 + at * sizes.k_row + e % D4];
        staged_v[key / 8u][key % 8u][e % D4] = v[v0 + at * sizes.v_row + e % D4];
      }
    }
    workgroupBarrier();
    if (query < sizes.queries) {
      for (var i = 0u; i < EIGHTS && first + 8u * i < sizes.keys; i++) {
        var p = array<f32, 8>();
        for (var c = 0u; c < D4; c++) {
          for (var s = 0u; s < 8u; s++) {
            p[s] = add_dot(p[s], mine[c], staged_k[i][s][c]);
          }
        }
        var highest = most;
        for (var s = 0u; s < 8u; s++) {
          let key = first + 8u * i + s;
          let score = p[s] * sizes.scale + bias_at(group.z, group.y, row, min(key, sizes.keys - 1u));
          p[s] = select(LOWEST, score, key < sizes.keys);
          highest = max(highest, p[s]);
        }
        let shrink = exp(most - highest);
        most = highest;
        total *= shrink;
        for (var s = 0u; s < 8u; s++) {
          p[s] = select(0.0, exp_or_nan(p[s] - highest), first + 8u * i + s < sizes.keys);
          total += p[s];
        }
        for (var c = 0u; c < D4; c++) {
          var sum = acc[c] * shrink;
          for (var s = 0u; s < 8u; s++) {
            sum = fma(vec4f(p[s]), staged_v[i][s][c], sum);
          }
          acc[c] = sum;
        }
      }
    }
  }
  if (query < sizes.queries) {
    let width = sizes.heads * D4;
    let o0 = start(0u, width, sizes.queries, group.z, group.y) + row * width;
    for (var c = 0u; c < D4; c++) {
      o[o0 + c] = acc[c] / total;
    }
    statistics[(group.z * sizes.heads + group.y) * sizes.queries + row] = most + log(total);
  }
}
