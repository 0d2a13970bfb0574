/** The head of linear segmentation: a 1 x 1 convolution, which is a linear layer on tokens, and bilinear upsampling. */
import { IGNORED } from "../../data/pixelSet.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { grad } from "../../engine/graph/autograd.ts";
import type { Guard } from "../../engine/graph/guard.ts";
import { Parameters } from "../../engine/graph/parameters.ts";
import { recompute } from "../../engine/graph/recompute.ts";
import type { Tensor } from "../../engine/graph/tensor.ts";
import { concat } from "../../engine/ops/concat.ts";
import { crossEntropy } from "../../engine/ops/crossEntropy.ts";
import { linear } from "../../engine/ops/linear.ts";
import { mean } from "../../engine/ops/mean.ts";
import { resize } from "../../engine/ops/resize.ts";
import { slice } from "../../engine/ops/slice.ts";
import { clipGradients } from "../../engine/optim/clip.ts";
import type { Optimizer } from "../../engine/optim/optimizer.ts";
import { Random } from "../../engine/random.ts";

/** Logits of a training batch that lie in memory at once, 64 MiB, but always a picture's; beyond that pieces are computed twice. */
export const MOST_LOGITS = 2 ** 24;

/** A fresh head: weight [K, F] N(0, 0.01²), bias 0, by mmseg's name. Whether weight decay reaches the bias is the optimiser's. */
export function segmentationHead(
  device: Device,
  { dim, classes, seed, decayBias }: { dim: number; classes: number; seed: number; decayBias: boolean },
): Parameters {
  const weight = new Random(seed, "init").fillNormal(new Float32Array(classes * dim), 0.01);
  return new Parameters(device, [
    { name: "conv_seg.weight", shape: [classes, dim], values: weight },
    { name: "conv_seg.bias", shape: [classes], values: new Float32Array(classes), decay: decayBias },
  ]);
}

/** tokens [B, rows, columns, F] -> logits of pixels [B, height, width, K]. */
export const segmentationLogits = (
  head: Parameters,
  tokens: Tensor,
  { height, width }: { height: number; width: number },
): Tensor =>
  resize(linear(tokens, head.get("conv_seg.weight"), head.get("conv_seg.bias")), {
    ...{ height, width, mode: "bilinear" },
  });

/**
 * Cross-entropy summed over the labelled pixels and divided by the number of all of them, labelled or not, as mmseg has it.
 * tokens [B, rows, columns, F], labels u32 [B, H, W] -> []. Pictures go through in pieces of at most `most` logits.
 */
export function segmentationLoss(
  head: Parameters,
  tokens: Tensor,
  labels: Tensor,
  most = MOST_LOGITS,
): Tensor {
  const [batch, height, width] = labels.shape as [number, number, number];
  const pictures = Math.max(1, Math.floor(most / (height * width * head.get("conv_seg.bias").size)));
  /** [b, H, W] */
  const losses = (tokens: Tensor, start: number): Tensor =>
    crossEntropy(
      segmentationLogits(head, tokens, { height, width }),
      slice(labels, 0, start, start + tokens.shape[0]!),
      { ignoreIndex: IGNORED, reduction: "none" },
    );
  if (pictures >= batch) return mean(losses(tokens, 0));
  const pieces: Tensor[] = [];
  for (let start = 0; start < batch; start += pictures) {
    const piece = slice(tokens, 0, start, Math.min(batch, start + pictures));
    pieces.push(recompute((x) => losses(x, start), piece));
  }
  return mean(concat(pieces, 0));
}

/** One update of the head; numbers [4] come from the optimiser -> the loss before it, []. */
export function segmentationStep(
  head: Parameters,
  optimizer: Optimizer,
  guard: Guard,
  tokens: Tensor,
  labels: Tensor,
  numbers: Tensor,
): Tensor {
  const loss = segmentationLoss(head, tokens, labels);
  const { tensors, into } = head.trainable();
  grad(loss, tensors, { into });
  optimizer.update(numbers, clipGradients(head, guard).factors);
  guard.settle();
  return loss;
}
