import subgroup4Wgsl from "../../shaders/subgroup4.wgsl";
import subgroup8Wgsl from "../../shaders/subgroup8.wgsl";

/** The functions with which eight vectors reach all lanes of a subgroup of this size; none without subgroups. */
export function sharing(subgroupSize: number): string[] {
  if (subgroupSize >= 8) return [subgroup8Wgsl];
  return subgroupSize === 4 ? [subgroup4Wgsl] : [];
}
