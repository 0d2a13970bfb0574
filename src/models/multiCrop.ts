// Multi-crop: two large views of a picture and any number of small ones, each size in batches of its own (Caron et al. 2020,
// arXiv:2006.09882; DINO's DataAugmentationDINO and MultiCropWrapper).

import { type Parameters, SHARD_BYTES } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import type { Training } from "./block.ts";
import { classToken } from "./heads.ts";
import type { Settings, ViewGroup } from "./method.ts";
import { addedLater, areaRange, share, shares, wholeNumber } from "./settings.ts";
import { type ViewColors, viewColorSettings, viewColors } from "./viewColors.ts";
import { type VitConfig, vit } from "./vit.ts";

export interface MultiCrop extends ViewColors {
  /** Side of the local crops, a multiple of the patch size, 0 for a share of the encoder's; and how many there are. */
  localSize: number;
  localCrops: number;
  globalScale: readonly [number, number];
  localScale: readonly [number, number];
  /** Of the first and the second global crop, and of local ones. */
  blurProbs: readonly [first: number, second: number, local: number];
}

/** With the values of DINO's released ViT-B/16, but for how many they are; a function, so that bundlers may leave it out. */
/* @__NO_SIDE_EFFECTS__ */
export function multiCropSettings(): Settings<MultiCrop> {
  return {
    localCrops: wholeNumber("--local-crops <n>", "small crops of a picture", 8),
    localSize: wholeNumber(
      "--local-size <n>",
      "their side, a multiple of the patch size; 0 for 96 of 224 pixels of the encoder's, in whole patches",
      0,
    ),
    globalScale: areaRange("--global-scale <low,high>", "share of the area that a large crop has", [0.25, 1]),
    localScale: areaRange(
      "--local-scale <low,high>",
      "share of the area that a small crop has",
      [0.05, 0.25],
    ),
    ...viewColorSettings(),
    blurProbs: addedLater(
      shares<[number, number, number]>(
        "--blur-probs <p1,p2,local>",
        "probabilities of a blur: first and second large crop, small crops",
        [1, 0.1, 0.5],
      ),
      [1, 0.1, 0.5],
    ),
    solarizeProb: addedLater(
      share("--solarize-prob <p>", "probability of solarizing the second large crop", 0.2),
      0.2,
    ),
  };
}

/** Settings with what a local side of 0 stands for: 96 of every 224 pixels of the encoder's, in whole patches. */
export function withLocalSize<C extends MultiCrop>(
  { imageSize, patchSize }: Pick<VitConfig, "imageSize" | "patchSize">,
  config: C,
): C {
  const patches = Math.max(1, Math.round(((96 / 224) * imageSize) / patchSize));
  return { ...config, localSize: config.localSize || patches * patchSize };
}

/** The views of a method in their order: two global ones, then the local ones. */
export interface MultiCropViews {
  globals: ViewGroup[];
  locals: ViewGroup[];
}

/** Bytes of the largest tensor that one view of a batch takes: its pictures, or the hidden layer of a block's MLP. */
function bytesOfView({ embedDim, mlpRatio, patchSize }: VitConfig, size: number, batch: number): number {
  const tokens = 1 + (size / patchSize) ** 2;
  return 4 * batch * Math.max(3 * size * size, tokens * embedDim * mlpRatio);
}

/** Views of one size in as few groups, as alike, as every adapter can bind: the encoder takes a group at once. */
function cut(encoder: VitConfig, batch: number, view: ViewGroup, groupBytes: number): ViewGroup[] {
  const most = Math.max(1, Math.floor(groupBytes / bytesOfView(encoder, view.size, batch)));
  const groups = Math.ceil(view.count / most);
  const end = (i: number) => Math.floor((view.count * i) / groups);
  return Array.from({ length: groups }, (_, i) => ({ ...view, count: end(i + 1) - end(i) }));
}

/**
 * DataAugmentationDINO, in groups of which no tensor is larger than `groupBytes`, unless one view is. Throws one sentence where
 * local crops do not fit the patches.
 */
export function multiCropViews(
  method: string,
  encoder: VitConfig,
  batch: number,
  config: MultiCrop,
  groupBytes = SHARD_BYTES,
): MultiCropViews {
  const { localSize, localCrops, globalScale, localScale } = config;
  const { imageSize, patchSize } = encoder;
  if (localCrops > 0 && localSize % patchSize !== 0) {
    throw new Error(
      `${method}: --local-size must be a multiple of the patch size ${patchSize}; got ${localSize}`,
    );
  }
  const augment = viewColors(config);
  const groups = (view: ViewGroup) => cut(encoder, batch, view, groupBytes);
  return {
    globals: groups({ size: imageSize, count: 2, scale: globalScale, augment }),
    locals: groups({ size: localSize, count: localCrops, scale: localScale, augment }),
  };
}

/** Several tensors of rows as one. */
export const joined = (rows: readonly Tensor[]): Tensor => (rows.length === 1 ? rows[0]! : concat(rows, 0));

/** The class tokens of views of any sizes, view by view: [V B, D]. `training` gets the place of a group among `views`. */
export const viewTokens = (
  params: Parameters,
  encoder: VitConfig,
  views: readonly Tensor[],
  training?: (group: number) => Training,
): Tensor =>
  joined(views.map((images, group) => classToken(vit(params, encoder, images, training?.(group)).tokens)));
