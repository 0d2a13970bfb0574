// Eight vectors, two from each of the four lanes of a subgroup, to every lane.

const SHARED = 4u;

fn share8(x: vec4f, y: vec4f) -> array<vec4f, 8> {
  return array(
    subgroupBroadcast(x, 0u),
    subgroupBroadcast(x, 1u),
    subgroupBroadcast(x, 2u),
    subgroupBroadcast(x, 3u),
    subgroupBroadcast(y, 0u),
    subgroupBroadcast(y, 1u),
    subgroupBroadcast(y, 2u),
    subgroupBroadcast(y, 3u),
  );
}

// Rows for columns in both halves: of eight values a lane, result l is lane l's value number `lane`, result 4 + l its value
// number 4 + `lane`.
fn transpose8(x: array<f32, 8>, lane: u32) -> array<f32, 8> {
  let x4 = share8(vec4f(x[0], x[1], x[2], x[3]), vec4f(x[4], x[5], x[6], x[7]));
  var y: array<f32, 8>;
  for (var l = 0u; l < 8u; l++) {
    y[l] = select(select(x4[l].x, x4[l].y, lane == 1u), select(x4[l].z, x4[l].w, lane == 3u), lane >= 2u);
  }
  return y;
}
