// What BEiT and CAE predict: the number of the code nearest to a hidden patch. BEiT's own tokenizer is the encoder of OpenAI's
// d-VAE, 8,192 tokens, which cannot be trained beside a run. Here it is k-means of patches normalised as MAE's targets: it
// needs nothing but the run's pictures and takes seconds. After each round a code that no patch is near takes half of the
// fullest one's, so that codes stay in use where patches are many: not where there are fewer different ones than codes, and not
// beside flat patches, whose code is zero and has no halves. Before it is fitted the codes are random, a random-projection tokenizer (Chiu et al. 2022, arXiv:2202.01855).
//
// Measured on crops that were not fitted to, 512 codes, patches of 4 pixels of 32 (drawn creatures with coats; CIFAR-10):
//   entropy of the tokens, of at most ln 512 = 6.24   random 3.65; 3.44   patches as they come 5.71; 5.93   k-means 5.86; 6.06
//   variance of the patches that codes leave            1.09; 1.08                   .32; .23                     .25; .18

import type { Device } from "../engine/gpu/device.ts";
import { accumulate, fill } from "../engine/graph/fill.ts";
import type { ParameterSpec } from "../engine/graph/parameters.ts";
import { Tensor } from "../engine/graph/tensor.ts";
import { scale, square } from "../engine/ops/elementwise.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { linear } from "../engine/ops/linear.ts";
import { argmax } from "../engine/ops/max.ts";
import { patchify } from "../engine/ops/patchify.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { scatterTokens } from "../engine/ops/scatterAdd.ts";
import { slice } from "../engine/ops/slice.ts";
import { sum } from "../engine/ops/sum.ts";
import { Random } from "../engine/random.ts";
import type { Initializer } from "./init.ts";
import type { Preview } from "./method.ts";

/** The buffer's name in a network and in a checkpoint. */
export const CODEBOOK = "tokenizer.codebook";

/** Added to a patch's variance, in standardised pixels: six levels of 255, so that flat patches do not become noise. */
export const PATCH_EPS = 0.01;
/** Patches of a fit for each code, and the batches they are taken from at most. */
const PER_CODE = 64;
const MOST_BATCHES = 64;
const ROUNDS = 8;
/** How far the two halves of a code that is split lie apart, relative to its values (faiss, Clustering.cpp). */
const SPLIT = 1 / 1024;

const lengthOf = (patchSize: number): number => 3 * patchSize * patchSize;

/** The codes, [tokens, 3 p p]: random ones of a patch's length until they are fitted. */
export const codebookSpec = (tokens: number, patchSize: number, init: Initializer): ParameterSpec => ({
  name: CODEBOOK,
  shape: [tokens, lengthOf(patchSize)],
  get values() {
    return init.random(CODEBOOK).fillNormal(new Float32Array(tokens * lengthOf(patchSize)));
  },
  trained: false,
});

/** What codes are compared with: patches of mean 0 and deviation 1. images [B, H, W, 3] -> [B, N, 3 p p]. */
export const tokenizerPatches = (images: Tensor, patchSize: number): Tensor =>
  layerNorm(patchify(images, patchSize), undefined, undefined, PATCH_EPS);

/** The nearest code of each patch, the first of equally near ones. codebook [K, P], patches [..., P] -> u32 [...]. */
export function tokensOf(codebook: Tensor, patches: Tensor): Tensor {
  const halves = scale(sum(square(codebook), -1), -0.5); // |x - c|² is least where x c - |c|² / 2 is most
  return argmax(linear(patches, codebook, halves), -1);
}

/**
 * The codes of the run's own pictures, as its first steps see them: Lloyd's k-means from random patches. The device finds the
 * nearest codes and adds up their patches; the host divides, and gives a code that nothing is near half of the fullest
 * one's. A pure function of the pictures and the seed. -> [K, 3 p p]
 */
export async function fitCodebook(
  { device, seed, views }: Preview,
  tokens: number,
  patchSize: number,
): Promise<Float32Array> {
  const length = lengthOf(patchSize);
  const { maxStorageBufferBindingSize: bound } = device.limits;
  const most = Math.floor(bound / 4 / Math.max(tokens, length)); // patches whose likeness to all codes one tensor holds
  const patchesAt = (step: number): Tensor =>
    device.tidy(() => {
      const [images] = views(step) as [Tensor];
      const patches = tokenizerPatches(images, patchSize);
      const many = patches.size / length;
      return slice(reshape(patches, [many, length]), 0, 0, Math.min(many, most)); // [M, P]
    });
  const first = patchesAt(0);
  const batches = Math.min(MOST_BATCHES, Math.ceil((PER_CODE * tokens) / first.shape[0]!));
  first.dispose();
  let codes = await drawCodes(device, tokens, batches, patchesAt, new Random(seed, "init"));
  const codebook = Tensor.from(device, codes, [tokens, length]);
  for (let round = 0; round < ROUNDS; round++) {
    const { sums, counts } = await addUp(codebook, batches, patchesAt);
    codes = centres(codes, sums, counts);
    codebook.write(codes);
  }
  codebook.dispose();
  return codes;
}

/** So many patches, as many from each batch, at random places. */
async function drawCodes(
  device: Device,
  tokens: number,
  batches: number,
  patchesAt: (step: number) => Tensor,
  random: Random,
): Promise<Float32Array> {
  const drawn: number[] = [];
  for (let step = 0; step < batches; step++) {
    const many = Math.floor(((step + 1) * tokens) / batches) - Math.floor((step * tokens) / batches);
    if (many === 0) continue; // fewer codes than batches
    const chosen = device.tidy(() => {
      const patches = patchesAt(step);
      const order = random.permutation(patches.shape[0]!);
      const rows = Uint32Array.from({ length: many }, (_, i) => order[i % order.length]!);
      return indexSelect(patches, Tensor.from(device, rows, [many], "u32"));
    });
    for (const value of await chosen.read()) drawn.push(value);
    chosen.dispose();
  }
  return Float32Array.from(drawn);
}

/** The sum [K, P] and the number [K] of the patches next to each code. */
async function addUp(codebook: Tensor, batches: number, patchesAt: (step: number) => Tensor) {
  const { device } = codebook;
  const [tokens, length] = codebook.shape as [number, number];
  const [sums, counts] = [length, 1].map((width) => Tensor.zeros(device, [1, tokens, width])) as [
    Tensor,
    Tensor,
  ];
  for (let step = 0; step < batches; step++) {
    device.tidy(() => {
      const patches = patchesAt(step);
      const many = patches.shape[0]!;
      const nearest = reshape(tokensOf(codebook, patches), [1, many]);
      accumulate(sums, scatterTokens(reshape(patches, [1, many, length]), nearest, tokens));
      accumulate(counts, scatterTokens(fill(device, [1, many, 1], 1), nearest, tokens));
    });
  }
  const read = await Promise.all([sums, counts].map((tensor) => tensor.read()));
  for (const tensor of [sums, counts]) tensor.dispose();
  return { sums: read[0] as Float32Array, counts: read[1] as Float32Array };
}

/** The mean of what is next to each code; an empty code and the fullest one share that one's place, a little apart. */
function centres(codes: Float32Array, sums: Float32Array, given: Float32Array): Float32Array {
  const counts = Float64Array.from(given);
  const length = codes.length / counts.length;
  const found = sums.map((value, i) => value / Math.max(1, counts[Math.floor(i / length)]!));
  for (const [code, count] of given.entries()) {
    if (count > 0) continue;
    const fullest = counts.indexOf(counts.reduce((most, other) => Math.max(most, other)));
    for (let i = 0; i < length; i++) {
      const value = found[fullest * length + i]!;
      const apart = (i % 2 === 0 ? 1 : -1) * SPLIT;
      found[code * length + i] = value * (1 + apart);
      found[fullest * length + i] = value * (1 - apart);
    }
    counts[code] = counts[fullest]! / 2;
    counts[fullest] = counts[fullest]! / 2;
  }
  return found;
}
