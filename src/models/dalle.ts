// DALL-E's encoder of pictures into tokens: Ramesh et al. 2021, "Zero-Shot Text-to-Image Generation", arXiv:2102.12092; official
// files dall_e/encoder.py and utils.py. A picture is 8 pixels a token; BEiT and CAE let it name their patches.
// What differs: products as the device's precision has them, where the official convolutions take halves on a GPU; weights lie as [out, k, k, in];
// pictures arrive standardised, as ours are, and are brought back.

import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import { type Shape, sizeOf, type Tensor } from "../engine/graph/tensor.ts";
import { concat } from "../engine/ops/concat.ts";
import { conv2d } from "../engine/ops/conv2d.ts";
import { add, relu, scale } from "../engine/ops/elementwise.ts";
import { argmax } from "../engine/ops/max.ts";
import { maxPool2d } from "../engine/ops/maxPool2d.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { slice } from "../engine/ops/slice.ts";
import { mapPixels } from "../pictures/mapPixels.ts";

/** The published one: 256 channels, 2 blocks a group, 8192 tokens. */
export interface DalleConfig {
  /** Channels of the first group; each of the others has twice those of the one before. */
  width: number;
  blocksPerGroup: number;
  tokens: number;
}

const GROUPS = 4;
/** Side of a token in pixels: the picture is halved between groups. */
export const TOKEN_SIDE = 2 ** (GROUPS - 1);

/** Bytes of the largest tensor while pictures are looked at, which the windows of the first group are: 9 pictures of BEiT's. */
const MOST_BYTES = 2 ** 30;

/** Blocks that a group may have; a file that asks for more is none. */
const MOST_BLOCKS = 64;

/** A convolution: its name, its sizes, and how often the picture has been halved before it. */
interface Convolution {
  name: string;
  out: number;
  k: number;
  in: number;
  halved: number;
}

const blockName = (group: number, block: number): string => `blocks.group_${group + 1}.block_${block + 1}`;

function convolutions({ width, blocksPerGroup, tokens }: DalleConfig): Convolution[] {
  const all: Convolution[] = [{ name: "blocks.input", out: width, k: 7, in: 3, halved: 0 }];
  let before = width;
  for (let group = 0; group < GROUPS; group++) {
    const out = width * 2 ** group;
    const hidden = Math.floor(out / 4);
    for (let block = 0; block < blocksPerGroup; block++) {
      const name = blockName(group, block);
      const add = (path: string, to: number, k: number, from: number) =>
        all.push({ name: `${name}.${path}`, out: to, k, in: from, halved: group });
      if (before !== out) add("id_path", out, 1, before);
      for (const [i, from] of [before, hidden, hidden].entries())
        add(`res_path.conv_${i + 1}`, hidden, 3, from);
      add("res_path.conv_4", out, 1, hidden);
      before = out;
    }
  }
  return [...all, { name: "blocks.output.conv", out: tokens, k: 1, in: before, halved: GROUPS - 1 }];
}

/** The parameters under the official names, which the run must be given. Throws where the sizes are none. */
export function dalleSpecs(config: DalleConfig): ParameterSpec[] {
  const sizes = [config.width / 4, config.blocksPerGroup, config.tokens];
  const isWhole = sizes.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!isWhole || config.blocksPerGroup > MOST_BLOCKS) {
    throw new Error(
      `dalle: width, a multiple of 4, blocksPerGroup, at most ${MOST_BLOCKS}, and tokens must be whole and positive; got ${JSON.stringify(config)}`,
    );
  }
  return convolutions(config).flatMap(({ name, out, k, in: from }) => [
    zerosSpec(`${name}.w`, [out, k, k, from]),
    zerosSpec(`${name}.b`, [out]),
  ]);
}

const zerosSpec = (name: string, shape: Shape): ParameterSpec => ({
  name,
  shape,
  get values() {
    return new Float32Array(sizeOf(shape));
  },
  trained: false,
});

const convolve = (params: Parameters, name: string, x: Tensor): Tensor =>
  conv2d(x, params.get(`${name}.w`), params.get(`${name}.b`));

function residualBlock(params: Parameters, name: string, x: Tensor, gain: number): Tensor {
  let y = x;
  for (const i of [1, 2, 3, 4]) y = convolve(params, `${name}.res_path.conv_${i}`, relu(y));
  const same = params.has(`${name}.id_path.w`) ? convolve(params, `${name}.id_path`, x) : x;
  return add(same, scale(y, gain));
}

/** How much each token is like each place. images [B, H, W, 3], H and W multiples of 8 -> [B, H/8, W/8, tokens]. */
export function dalleLogits(params: Parameters, { blocksPerGroup }: DalleConfig, images: Tensor): Tensor {
  const gain = 1 / (GROUPS * blocksPerGroup) ** 2;
  let x = convolve(params, "blocks.input", mapPixels(images));
  for (let group = 0; group < GROUPS; group++) {
    if (group > 0) x = maxPool2d(x, 2);
    for (let block = 0; block < blocksPerGroup; block++) {
      x = residualBlock(params, blockName(group, block), x, gain);
    }
  }
  return convolve(params, "blocks.output.conv", relu(x));
}

/** Pictures looked at together, so that no tensor is larger than the adapter binds, nor than `mostBytes`. */
function picturesAtOnce(config: DalleConfig, { device, shape }: Tensor, mostBytes: number): number {
  const values = convolutions(config).map(
    ({ out, k, in: from, halved }) => (shape[1]! * shape[2]! * Math.max(out, k * k * from)) / 4 ** halved,
  );
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const most = Math.min(mostBytes, maxStorageBufferBindingSize, maxBufferSize);
  return Math.max(1, Math.floor(most / 4 / Math.max(...values)));
}

/**
 * The likeliest token of each place, row-major. images [B, H, W, 3], H and W multiples of 8 -> u32 [B, H/8 · W/8]. Pictures are
 * looked at some at a time, so that no tensor has more than `mostBytes`, if not one picture's has.
 */
export function dalleTokens(
  params: Parameters,
  config: DalleConfig,
  images: Tensor,
  mostBytes = MOST_BYTES,
): Tensor {
  const [batch, height, width] = images.shape as [number, number, number];
  const many = picturesAtOnce(config, images, mostBytes);
  const parts: Tensor[] = [];
  for (let first = 0; first < batch; first += many) {
    const some = slice(images, 0, first, Math.min(batch, first + many));
    parts.push(images.device.tidy(() => argmax(dalleLogits(params, config, some), -1)));
  }
  return reshape(concat(parts, 0), [batch, (height / TOKEN_SIDE) * (width / TOKEN_SIDE)]);
}
