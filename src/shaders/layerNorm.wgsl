// Layer normalisation of x [rows, n] over its rows, with h = (x - mean) rstd.
//   forward:  y = h weight + bias,  rstd = 1 / sqrt(mean((x - mean)^2) + eps). LANES lanes per row.
//   backward: dx = rstd (g - mean(g) - h mean(g h)),  g = dy weight; and, for its `span` rows, each workgroup's part of
//             dweight = sum(dy h) and dbias = sum(dy). Row means first, then one lane per column walks the rows.
//   columns:  adds the parts, LANES lanes per column.
// V is vec4f where n is a multiple of 4, else f32, with fold(v: V) -> f32 the sum of its values; VALUES is how many.
// Needs grid.wgsl reduce.wgsl, and runningSum.wgsl with Summand = V (f32 for columns).

struct Forward {
  rows: u32,
  n: u32,
  eps: f32,
}

@group(0) @binding(0) var<uniform> shape: Forward;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> weight: array<V>;
@group(0) @binding(3) var<storage, read> bias: array<V>;
@group(0) @binding(4) var<storage, read_write> y: array<V>;
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>; // mean, rstd

@compute @workgroup_size(WORKGROUP)
fn layerNorm_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = row_share(flat_workgroup(group, groups), lane);
  let first = share.index * (shape.n / VALUES);
  let n = select(0u, shape.n / VALUES, share.index < shape.rows);
  var total = RunningSum();
  for (var k = share.part; k < n; k += LANES) {
    add_to(&total, x[first + k]);
  }
  let mean = workgroup_sum(fold(total_of(total)), share.slot) / f32(shape.n);
  var squares = RunningSum();
  for (var k = share.part; k < n; k += LANES) {
    let centred = x[first + k] - mean;
    add_to(&squares, centred * centred);
  }
  let rstd = inverseSqrt(workgroup_sum(fold(total_of(squares)), share.slot) / f32(shape.n) + shape.eps);
  for (var k = share.part; k < n; k += LANES) {
    y[first + k] = (x[first + k] - mean) * rstd * weight[k] + bias[k];
  }
  if (share.part == 0u && n > 0u) {
    statistics[share.index] = vec2f(mean, rstd);
  }
}

struct Backward {
  rows: u32,
  n: u32,
  span: u32, // rows per workgroup, a multiple of those that are reduced at once
}

@group(0) @binding(0) var<uniform> sizes: Backward;
@group(0) @binding(3) var<storage, read> saved: array<vec2f>;
@group(0) @binding(4) var<storage, read> dy: array<V>;
@group(0) @binding(5) var<storage, read_write> dx: array<V>;
@group(0) @binding(6) var<storage, read_write> dweight_parts: array<V>; // [groups, n]
@group(0) @binding(7) var<storage, read_write> dbias_parts: array<V>;
@group(0) @binding(8) var<storage, read> arrived: array<V>; // added to dx when ADDS

var<workgroup> row_means: array<vec2f, MOST_ROWS>; // mean(g), mean(g h)

@compute @workgroup_size(WORKGROUP)
fn layerNorm_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = flat_workgroup(group, groups);
  let first = part * sizes.span;
  for (var at = 0u; at < sizes.span; at += WORKGROUP / LANES) {
    let share = row_share(0u, lane);
    let row = first + at + share.index;
    let n = select(0u, sizes.n / VALUES, row < sizes.rows);
    var total = RunningSum();
    var along = RunningSum();
    if (n > 0u) {
      let of_row = saved[row];
      for (var k = share.part; k < n; k += LANES) {
        let g = dy[row * n + k] * weight[k];
        add_to(&total, g);
        add_to(&along, g * (x[row * n + k] - of_row.x) * of_row.y);
      }
    }
    let mean_g = workgroup_sum(fold(total_of(total)), share.slot);
    let mean_gh = workgroup_sum(fold(total_of(along)), share.slot);
    if (share.part == 0u) {
      row_means[at + share.index] = vec2f(mean_g, mean_gh) / f32(sizes.n);
    }
  }
  workgroupBarrier();
  if (first >= sizes.rows) {
    return;
  }
  let rows = min(sizes.span, sizes.rows - first);
  let columns_here = sizes.n / VALUES;
  for (var column = lane; column < columns_here; column += WORKGROUP) {
    let w = weight[column];
    var dweight_part = V();
    var dbias_part = V();
    for (var r = 0u; r < rows; r++) {
      let i = (first + r) * columns_here + column;
      let of_row = saved[first + r];
      let means = row_means[r];
      let h = (x[i] - of_row.x) * of_row.y;
      let through = of_row.y * (dy[i] * w - means.x - h * means.y);
      dx[i] = through;
      if (ADDS) {
        dx[i] = arrived[i] + through;
      }
      dweight_part += dy[i] * h;
      dbias_part += dy[i];
    }
    dweight_parts[part * columns_here + column] = dweight_part;
    dbias_parts[part * columns_here + column] = dbias_part;
  }
}

struct Columns {
  parts: u32,
  n: u32,
}

@group(0) @binding(0) var<uniform> columns: Columns;
@group(0) @binding(1) var<storage, read> dweight_summands: array<f32>;
@group(0) @binding(2) var<storage, read> dbias_summands: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(4) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn layerNorm_columns(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = column_share(flat_workgroup(group, groups), lane);
  let parts = select(0u, columns.parts, share.index < columns.n);
  var my_dweight = RunningSum();
  var my_dbias = RunningSum();
  for (var k = share.part; k < parts; k += LANES) {
    let i = k * columns.n + share.index;
    add_to(&my_dweight, Summand(dweight_summands[i]));
    add_to(&my_dbias, Summand(dbias_summands[i]));
  }
  let dweight_total = workgroup_sum(fold(total_of(my_dweight)), share.slot);
  let dbias_total = workgroup_sum(fold(total_of(my_dbias)), share.slot);
  if (share.part == 0u && parts > 0u) {
    dweight[share.index] = dweight_total;
    dbias[share.index] = dbias_total;
  }
}
