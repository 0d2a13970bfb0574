// What `import { ... } from "partwise"` offers, name by name. Nothing here knows where a GPU object comes from: in a
// browser it is `navigator.gpu`, in Node `create([])` of the package `webgpu`.

export {
  type Batches,
  type BatchOptions,
  type Next32,
  type Position,
  permutation,
  planBatches,
} from "./data/batches.ts";
export { CIFAR10_CLASSES, readCifar10, readCifar100 } from "./data/cifar.ts";
export {
  type CreatureOptions,
  type CreaturePair,
  type CreatureSet,
  creaturePair,
  creatures,
} from "./data/creatures/creatures.ts";
export { KINDS, type KindName } from "./data/creatures/kinds.ts";
export { PART_NAMES, type PartName } from "./data/creatures/species.ts";
export type { DataFormat, ReadOptions, Split } from "./data/dataFormat.ts";
export { readDataSet } from "./data/dataSet.ts";
export { type CodecBytes, createDecoder, type Decoder } from "./data/decode.ts";
export type { FolderEntry, NamedBytes } from "./data/folder.ts";
export { type ImageFolderOptions, ImageSizeError, readImageFolder } from "./data/imageFolder.ts";
export {
  type ChannelStatistics,
  CIFAR10_STATISTICS,
  CIFAR100_STATISTICS,
  channelStatistics,
  checkImageSet,
  gather as gatherPictures,
  IMAGENET_STATISTICS,
  type ImageSet,
  pictureAt,
  splitAt,
  subset,
} from "./data/images.ts";
export { type MnistOptions, readMnist } from "./data/mnist.ts";
export { type KeypointSet, type PartCropOptions, type PartCrops, partCrops } from "./data/partCrops.ts";
export {
  type CocoCategory,
  type CocoNames,
  type CocoObject,
  type CocoPicture,
  cocoNames,
  cocoObjects,
} from "./data/parts/coco.ts";
export { type Cub, type CubPicture, readCub } from "./data/parts/cub.ts";
export { type FindPartsOptions, type FoundParts, findParts } from "./data/parts/findParts.ts";
export { decodeMask, type LabelMask } from "./data/parts/labelMask.ts";
export { type MatValue, readMat } from "./data/parts/matFile.ts";
export { type PascalPicture, readPascalPart } from "./data/parts/pascalPart.ts";
export { type ReadPartCropsOptions, readPartCrops } from "./data/parts/readPartCrops.ts";
export { type PartMaskSet, type ReadPartMasksOptions, readPartMasks } from "./data/parts/readPartMasks.ts";
export { type Background, IGNORED, objectPixels, type PixelSet, partPixels } from "./data/pixelSet.ts";
export { type CropBox, randomResizedCrop, singleShotCrop } from "./data/randomResizedCrop.ts";
export {
  centerCrop,
  crop,
  type Filter,
  type Picture,
  type Rectangle,
  resize as resizePicture,
  resizeShorterSide,
} from "./data/resize.ts";
export {
  readSafetensors,
  type Safetensors,
  type StoredDtype,
  type StoredTensor,
  toFloat32,
  writeSafetensors,
} from "./data/safetensors.ts";
export {
  type ByteSource,
  blobSource,
  openSafetensors,
  type SafetensorsFile,
  safetensorsPieces,
} from "./data/safetensorsFile.ts";
export { readStl10, STL10_CLASSES } from "./data/stl10.ts";
export { isTorchFile, openTorchFile, type TensorFile } from "./data/torchFile.ts";
export * from "./engine/index.ts";
export * from "./engine/ops/index.ts";
export { openMatrices } from "./engine/ops/openMatrices.ts";
export type { Encode } from "./eval/encoding.ts";
export {
  type ExtractOptions,
  extractFeatures,
  type Features,
  type Reading,
  vitFeatures,
} from "./eval/features.ts";
export { attentionEncoder, holdingShare } from "./eval/maps/attentionMaps.ts";
export {
  type Box,
  boxOf,
  type FeatureMaps,
  featureAt,
  featureMaps,
  type Grid,
  type MapEncoder,
  middleOf,
  nearestPlace,
  type Place,
  type Point,
} from "./eval/maps/featureMaps.ts";
export { patchEncoder, type WindowOptions, windowEncoder } from "./eval/maps/mapEncoders.ts";
export { type Match, type SearchOptions, type Similar, search, similarTo } from "./eval/maps/patchSearch.ts";
export { type Principal, pcaMaps, principalComponents } from "./eval/maps/pcaMaps.ts";
export {
  bootstrapInterval,
  type GuessLevels,
  guessLevels,
  type Interval,
  meanAndStd,
  studentInterval,
} from "./eval/metrics.ts";
export {
  ATTENTIVE_STYLES,
  type AttentiveOptions,
  type AttentiveStyleName,
  attentiveProbe,
} from "./eval/probes/attentiveProbe.ts";
export type { HeadRecipe, ProbeOptions, ProbeSettings } from "./eval/probes/headRecipe.ts";
export {
  type KnnOptions,
  type KnnResult,
  type KnnScore,
  knn,
  type Neighbours,
  nearest,
} from "./eval/probes/knn.ts";
export {
  LINEAR_STYLES,
  type LinearProbeOptions,
  type LinearStyle,
  type LinearStyleName,
  linearProbe,
} from "./eval/probes/linearProbe.ts";
export type { ProbeResult } from "./eval/probes/trainedHead.ts";
export { type Reconstruction, reconstruct } from "./eval/reconstruct.ts";
export { type EncodedRowsOptions, encodedRows, keptRows, type Rows } from "./eval/rows.ts";
export { type BlockEncoder, blockTokens, patchPixels } from "./eval/segmentation/blockTokens.ts";
export {
  type ClassScore,
  ConfusionMatrix,
  type PixelTotals,
  type SegmentationScores,
} from "./eval/segmentation/confusion.ts";
export {
  decaysBias,
  SEGMENTATION_RECIPES,
  type SegmentationOptions,
  type SegmentationRecipe,
  type SegmentationSettings,
} from "./eval/segmentation/recipe.ts";
export { linearSegmentation, type SegmentationResult } from "./eval/segmentation/segmentation.ts";
export type { Training } from "./models/block.ts";
export { type DalleConfig, dalleLogits, dalleSpecs, dalleTokens } from "./models/dalle.ts";
export { type Initializer, maeInit, timmInit } from "./models/init.ts";
export {
  decoderSpecs,
  type MaeConfig,
  type MaeOutput,
  type Masking,
  mae,
  maeConfig,
  maskingNoise,
  randomMasking,
} from "./models/mae.ts";
export type {
  Method,
  MethodModule,
  Moment,
  Moving,
  Projection,
  Seeing,
  Setting,
  Step,
  ViewGroup,
} from "./models/method.ts";
export { METHODS, type MethodName } from "./models/methods.ts";
export { type PositionKind, sincosPositions } from "./models/positions.ts";
export { RECIPES, type Recipe, type RecipeName, type ScheduleSpec } from "./models/recipe.ts";
export {
  classify,
  headSpecs,
  type VitConfig,
  type VitOutput,
  vit,
  vitConfig,
  vitSpecs,
} from "./models/vit.ts";
export { type Augmentation, fillDrawn } from "./pictures/augment.ts";
export { type ColorJitterOptions, colorJitter } from "./pictures/colorJitter.ts";
export { type GaussianBlurOptions, gaussianBlur } from "./pictures/gaussianBlur.ts";
export { grayscale } from "./pictures/grayscale.ts";
export { type RandAugmentOptions, randAugment } from "./pictures/randAugment.ts";
export { solarize } from "./pictures/solarize.ts";
export { byKernel, type KernelRow, kernelTable, medianRun } from "./profile/byKernel.ts";
export { measureRoofline } from "./profile/measure.ts";
export { boundMs, type MemoryRate, type Roofline } from "./profile/roofline.ts";
export { type ChromeTrace, chromeTrace } from "./profile/trace.ts";
export {
  type Checkpoint,
  type CheckpointInfo,
  encodeCheckpoint,
  loadParameters,
  openCheckpoint,
  restoreTrainer,
  type Saved,
  type SavedEncoder,
  savedEncoder,
} from "./train/checkpoint.ts";
export { type Dalle, readDalle } from "./train/dalleFile.ts";
export { DeviceImages } from "./train/deviceImages.ts";
export { encodeEncoder, openSaved } from "./train/encoderFile.ts";
export { fitTokenizer, type TokenizerChoices } from "./train/fitTokenizer.ts";
export { type LoopOptions, type ProgressRow, train } from "./train/loop.ts";
export { largestBatch, type PlanOptions, planRun, type RunPlan } from "./train/plan.ts";
export {
  type DataDescription,
  descriptionOf,
  methodOf,
  type RunChoices,
  type RunSettings,
  runSettings,
} from "./train/run.ts";
export { type SightRow, sightsOf } from "./train/sights.ts";
export { readTeacher, type Teacher } from "./train/teacherFile.ts";
export {
  type Codebook,
  type GivenTokens,
  openTokenizer,
  readTokenizer,
  type TokenizerWanted,
  writeTokenizer,
} from "./train/tokenizerFile.ts";
export { type Look, Trainer, type TrainerOptions } from "./train/trainer.ts";
export { fillBoxes, type View, type ViewKey, type ViewSettings, viewOf } from "./train/views.ts";
