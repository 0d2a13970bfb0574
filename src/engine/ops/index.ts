// Every op of the public API, name by name. What is missing here is a part of another op.

export { fill } from "../graph/fill.ts";
export { argsort } from "./argsort.ts";
export { attention, selfAttention } from "./attention.ts";
export { type BatchNormOptions, batchNorm } from "./batchNorm.ts";
export { cast } from "./cast.ts";
export { concat } from "./concat.ts";
export { conv2d } from "./conv2d.ts";
export {
  BOX_WORDS,
  type CropOptions,
  cropPictures,
  MOST_SHARDS,
  type PictureShards,
  wholeBoxes,
} from "./cropPictures.ts";
export { type CrossEntropyOptions, crossEntropy } from "./crossEntropy.ts";
export { type DropoutKey, dropout, dropPath } from "./dropout.ts";
export * from "./elementwise.ts"; // a row of its table is all that an elementwise op needs
export { expand } from "./expand.ts";
export { gather, gatherTokens, type IndexOptions } from "./gather.ts";
export { indexSelect } from "./indexSelect.ts";
export { layerNorm } from "./layerNorm.ts";
export { linear, type MlpWeights, mlp } from "./linear.ts";
export { meanSquaredError, smoothL1 } from "./loss.ts";
export { type MatmulOptions, matmul } from "./matmul.ts";
export { argmax, max } from "./max.ts";
export { maxPool2d } from "./maxPool2d.ts";
export { mean } from "./mean.ts";
export { normalize } from "./normalize.ts";
export { type Padding, pad } from "./pad.ts";
export { type PatchOrder, patchify, type UnpatchifyOptions, unpatchify } from "./patchify.ts";
export { permute, transpose } from "./permute.ts";
export { normal, type RandomKey, uniform } from "./randomOps.ts";
export { reshape } from "./reshape.ts";
export { type ResizeOptions, resize, resizeMatrix } from "./resize.ts";
export { scatterAdd, scatterTokens } from "./scatterAdd.ts";
export { slice } from "./slice.ts";
export { logSoftmax, softmax } from "./softmax.ts";
export { sum } from "./sum.ts";
export { type TopK, topK } from "./topK.ts";
export { unfold } from "./unfold.ts";
export { where } from "./where.ts";
