// Eight vectors, one from each of the first eight lanes of a subgroup, to every lane. WGSL wants constant lane
// numbers, hence the spelling out. The second argument is for subgroup4.wgsl.

const SHARED = 8u;

fn share8(x: vec4f, unused: vec4f) -> array<vec4f, 8> {
  return array(
    subgroupBroadcast(x, 0u),
    subgroupBroadcast(x, 1u),
    subgroupBroadcast(x, 2u),
    subgroupBroadcast(x, 3u),
    subgroupBroadcast(x, 4u),
    subgroupBroadcast(x, 5u),
    subgroupBroadcast(x, 6u),
    subgroupBroadcast(x, 7u),
  );
}

// Rows for columns: of eight values a lane, result l is lane l's value number `lane`.
fn transpose8(x: array<f32, 8>, lane: u32) -> array<f32, 8> {
  let low = share8(vec4f(x[0], x[1], x[2], x[3]), vec4f());
  let high = share8(vec4f(x[4], x[5], x[6], x[7]), vec4f());
  var y: array<f32, 8>;
  for (var l = 0u; l < 8u; l++) {
    let x4 = select(low[l], high[l], lane >= 4u);
    y[l] = select(select(x4.x, x4.y, lane % 4u == 1u), select(x4.z, x4.w, lane % 4u == 3u), lane % 4u >= 2u);
  }
  return y;
}
