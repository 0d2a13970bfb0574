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
