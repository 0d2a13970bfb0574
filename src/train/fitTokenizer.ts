import { IMAGENET_STATISTICS } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { BOX_WORDS, cropPictures } from "../engine/ops/cropPictures.ts";
import { fitCodebook } from "../models/tokenizer.ts";
import type { PictureSource } from "./pictureSource.ts";
import { shuffledBatches } from "./shuffledBatches.ts";
import type { Codebook } from "./tokenizerFile.ts";
import { fillBoxes } from "./views.ts";

/** What a tokenizer is made for. */
export interface TokenizerChoices {
  /** How many codes. */
  tokens: number;
  /** Side of a patch, and of the encoder's pictures. */
  patchSize: number;
  imageSize: number;
  seed: number;
  batchSize: number;
}

/** Share of the area that a crop has: BEiT's range for small pictures (beit.ts). */
const CROP_SCALE = [0.4, 1] as const;

/**
 * The codes of patches of random crops of the pictures, as methods see them but for their jitter: what runs share where each
 * would find its own. A pure function of pictures and choices. -> [tokens, 3 p p]
 */
export async function fitTokenizer(
  device: Device,
  source: PictureSource,
  { tokens, patchSize, imageSize, seed, batchSize }: TokenizerChoices,
): Promise<Codebook> {
  const { count, width, height } = source.shards;
  const batches = shuffledBatches({ count, batchSize }, seed);
  const words = new Uint32Array(batchSize * BOX_WORDS);
  const boxes = Tensor.from(device, words, [batchSize, BOX_WORDS], "u32");
  const views = (step: number): readonly Tensor[] => {
    const position = batches.position(step);
    const indices = batches.indices(position);
    const key = { seed, epoch: position.epoch, view: 0 };
    fillBoxes(words, indices, { ...key, width, height, scale: CROP_SCALE }, source.place(indices));
    boxes.write(words);
    return [cropPictures(source.shards, boxes, { size: imageSize, ...IMAGENET_STATISTICS })];
  };
  const values = await fitCodebook({ device, seed, views }, tokens, patchSize);
  boxes.dispose();
  return { values: Float32Array.from(values), shape: [tokens, values.length / tokens] };
}
