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
