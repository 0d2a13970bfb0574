import attentionWgsl from "../../shaders/attention.wgsl";
import attentionBackwardWgsl from "../../shaders/attentionBackward.wgsl";
import attentionKeptWgsl from "../../shaders/attentionKept.wgsl";
import attentionLanesWgsl from "../../shaders/attentionLanes.wgsl";
import attentionNoBiasWgsl from "../../shaders/attentionNoBias.wgsl";
import attentionRowsWgsl from "../../shaders/attentionRows.wgsl";
import attentionRowsSubgroupWgsl from "../../shaders/attentionRowsSubgroup.wgsl";
import attentionStagedWgsl from "../../shaders/attentionStaged.wgsl";
import attentionTilesWgsl from "../../shaders/attentionTiles.wgsl";
import matmulWgsl from "../../shaders/matmul.wgsl";
import matmulPlainWgsl from "../../shaders/matmulPlain.wgsl";
import matmulRegisterWgsl from "../../shaders/matmulRegister.wgsl";
import matmulSubgroupWgsl from "../../shaders/matmulSubgroup.wgsl";
import matmulTileWgsl from "../../shaders/matmulTile.wgsl";
import matmulWorkgroupWgsl from "../../shaders/matmulWorkgroup.wgsl";
import nanWgsl from "../../shaders/nan.wgsl";
import subgroup4Wgsl from "../../shaders/subgroup4.wgsl";
import subgroup8Wgsl from "../../shaders/subgroup8.wgsl";

/** The texts of the kernels that `tune` chooses among. */
export const tunedTexts = (): string[] => [
  ...[attentionWgsl, attentionBackwardWgsl, attentionKeptWgsl],
  ...[attentionLanesWgsl, attentionStagedWgsl, attentionTilesWgsl, attentionNoBiasWgsl],
  ...[attentionRowsWgsl, attentionRowsSubgroupWgsl, subgroup4Wgsl, subgroup8Wgsl, nanWgsl],
  ...[matmulWgsl, matmulPlainWgsl, matmulRegisterWgsl],
  ...[matmulSubgroupWgsl, matmulTileWgsl, matmulWorkgroupWgsl],
];

/**
 * Changes whenever the text of such a kernel does, its comments and layout aside (FNV-1a): measured choices are worth nothing
 * for other kernels.
 */
export function tunedVersion(texts: readonly string[] = tunedTexts()): string {
  let hash = 0x811c9dc5;
  for (const character of texts.join("\n").replace(/\/\/.*|\s+/g, "")) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(8, "0");
}
