// Linear probe of MAE: He et al. 2022, arXiv:2111.06377, appendix A.1; official files main_linprobe.py, util/lars.py.
// What differs: features are computed once, without augmentation unless several views are given; sets smaller than
// ImageNet get smaller batches (see `probeSettings`).

import { planBatches } from "../data/batches.ts";
import { compile } from "../engine/capture/compile.ts";
import type { Device } from "../engine/gpu/device.ts";
import { grad } from "../engine/graph/autograd.ts";
import { accumulate } from "../engine/graph/fill.ts";
import { Guard } from "../engine/graph/guard.ts";
import { Parameters } from "../engine/graph/parameters.ts";
import { type Shape, Tensor } from "../engine/graph/tensor.ts";
import { batchNorm } from "../engine/ops/batchNorm.ts";
import { crossEntropy } from "../engine/ops/crossEntropy.ts";
import { indexSelect } from "../engine/ops/indexSelect.ts";
import { linear } from "../engine/ops/linear.ts";
import { clipGradients } from "../engine/optim/clip.ts";
import { lars } from "../engine/optim/lars.ts";
import type { Optimizer } from "../engine/optim/optimizer.ts";
import { Random } from "../engine/random.ts";
import { warmupCosine } from "../engine/step/schedule.ts";
import { StepValues } from "../engine/step/stepValues.ts";
import { checkPair, type Features } from "./features.ts";
import { type Hold, holding } from "./holding.ts";
import { accuracyOf, type GuessLevels, guessLevels, type Hits, topKHits } from "./metrics.ts";

export interface ProbeOptions {
  /** Of the first weights and of the batches' order. */
  seed: number;
  /** 90 when absent. */
  epochs?: number;
  /** Epochs of linear warm-up; 10 of 90, in proportion, when absent. */
  warmupEpochs?: number;
  batchSize?: number;
  /** Learning rate for 256 rows: the rate is baseRate * batchSize / 256. */
  baseRate?: number;
  /** Called after each epoch with its mean loss. */
  onEpoch?: (epoch: number, loss: number) => void;
}

/** What a probe was trained with. */
export interface ProbeSettings {
  seed: number;
  epochs: number;
  warmupEpochs: number;
  batchSize: number;
  baseRate: number;
  /** Highest learning rate. */
  rate: number;
  updates: number;
}

export interface ProbeResult extends GuessLevels {
  top1: number;
  top5: number;
  /** Top-1 by test row, for paired comparisons. */
  hits: Hits;
  /** Mean training loss of each epoch. */
  losses: number[];
  settings: ProbeSettings;
  /** The trained head and its running statistics by the names of MAE's checkpoint: head.0.*, head.1.*. */
  head: Map<string, { shape: Shape; values: Float32Array }>;
}

/** Updates in an epoch of the paper: 1,281,167 pictures in batches of 16,384. */
const UPDATES_PER_EPOCH = 78;
const PAPER_RATE = 6.4; // 0.1 * 16384 / 256
const SMALLEST_BATCH = 64;

/**
 * Settings with the defaults filled in. LARS moves a weight by a share of its own length in each update, so how far it
 * gets depends on the number of updates and the rate, not on the pictures seen. A small set with the paper's batch and
 * base rate would stop near its first weights; therefore the defaults keep the paper's 78 updates an epoch
 * (batchSize = count / 78, from 64 to 16,384) and its highest rate, 6.4. On ImageNet they are the paper's: batch 16,384,
 * base rate 0.1. Measured on 8 x 8 pixels of 20 ImageNet classes, 2,000 rows: 18.5 % top-1, against 13.3 % with base
 * rate 0.1 and batches of 256.
 */
export function probeSettings(count: number, options: ProbeOptions): ProbeSettings {
  const { seed, epochs = 90, warmupEpochs = epochs / 9 } = options;
  const paced = Math.min(16_384, Math.max(SMALLEST_BATCH, Math.floor(count / UPDATES_PER_EPOCH)));
  const batchSize = options.batchSize ?? Math.min(count, paced);
  const baseRate = options.baseRate ?? (PAPER_RATE * 256) / batchSize;
  const isWhole = (n: number, least: number) => Number.isInteger(n) && n >= least;
  if (!isWhole(epochs, 1) || !isWhole(batchSize, 2) || batchSize > count || !(baseRate > 0)) {
    throw new Error(
      `linearProbe: epochs must be at least 1, the batch size in [2, ${count}] and the base rate above 0; ` +
        `got ${epochs}, ${batchSize} and ${baseRate}`,
    );
  }
  const updates = epochs * Math.floor(count / batchSize);
  return { seed, epochs, warmupEpochs, batchSize, baseRate, rate: (baseRate * batchSize) / 256, updates };
}

/** A fresh head: weight N(0, 0.01²) cut at ±2 (timm's trunc_normal_), bias 0, running statistics 0 and 1. */
export function probeParameters(device: Device, dim: number, classes: number, seed: number): Parameters {
  const random = new Random(seed, "init");
  const weight = Float32Array.from({ length: classes * dim }, () => random.truncatedNormal(0.01));
  return new Parameters(device, [
    { name: "head.1.weight", shape: [classes, dim], values: weight },
    { name: "head.1.bias", shape: [classes], values: new Float32Array(classes) },
    { name: "head.0.running_mean", shape: [dim], values: new Float32Array(dim), trained: false },
    { name: "head.0.running_var", shape: [dim], values: new Float32Array(dim).fill(1), trained: false },
  ]);
}

/**
 * Batch norm without affine (eps 1e-6), then linear. x [B, D] -> logits [B, K]. Training is under a guard, which moves the
 * statistics when it settles; null tests by them.
 */
export function probeLogits(params: Parameters, x: Tensor, guard: Guard | null): Tensor {
  const normed = batchNorm(x, {
    runningMean: params.get("head.0.running_mean"),
    runningVar: params.get("head.0.running_var"),
    eps: 1e-6,
    training: guard !== null,
    ...(guard ? { guard } : {}),
  });
  return linear(normed, params.get("head.1.weight"), params.get("head.1.bias"));
}

/** One update of the head. x [B, D], labels u32 [B], numbers [4] from the optimiser -> the loss before it, []. */
export function probeStep(
  params: Parameters,
  optimizer: Optimizer,
  guard: Guard,
  x: Tensor,
  labels: Tensor,
  numbers: Tensor,
): Tensor {
  const loss = crossEntropy(probeLogits(params, x, guard), labels);
  const { tensors, into } = params.trainable();
  grad(loss, tensors, { into });
  optimizer.update(numbers, clipGradients(params, guard).factors);
  guard.settle();
  return loss;
}

/**
 * Trains a linear classifier on frozen features and tests it. `train` may be several views of one training set (the
 * features of differently augmented pictures, rows in the same order): epoch e uses view e modulo their number. With
 * `epochs` E, warm-up W, rate r: LARS (momentum 0.9, no decay) at a rate that rises from 0 to r in W epochs and falls to
 * 0 along half a cosine, by update. The result is a function of features and settings, to the bit on one adapter.
 */
export async function linearProbe(
  device: Device,
  train: Features | readonly Features[],
  test: Features,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const views = "labels" in train ? [train] : train;
  const first = views[0];
  if (!first) throw new Error("linearProbe: needs training features; got no view");
  for (const view of views) checkPair("linearProbe", view, test);
  const { labels, dim, classes } = first;
  if (
    views.some(
      (view) => view.labels.length !== labels.length || !view.labels.every((c, i) => c === labels[i]),
    )
  ) {
    throw new Error(
      "linearProbe: every view must have the same labels; got different ones. Was one shuffled?",
    );
  }
  const settings = probeSettings(labels.length, options);
  const { losses, logits, head } = await holding(async (hold) => {
    const params = hold(probeParameters(device, dim, classes, settings.seed));
    return {
      losses: await holding((own) => trainHead(own, params, views, settings, options.onEpoch)),
      logits: await holding((own) => evaluate(own, params, test)),
      head: await params.read(params.values),
    };
  });
  const [hits, hits5] = [1, 5].map((k) => topKHits(logits, test.labels, classes, k)) as [Hits, Hits];
  return {
    top1: accuracyOf(hits),
    top5: accuracyOf(hits5),
    hits,
    losses,
    settings,
    head,
    ...guessLevels(labels, test.labels, classes),
  };
}

/** Runs all epochs as replays of one captured update -> mean loss of each epoch. */
async function trainHead(
  hold: Hold,
  params: Parameters,
  views: readonly Features[],
  settings: ProbeSettings,
  onEpoch?: (epoch: number, loss: number) => void,
): Promise<number[]> {
  const { device } = params;
  const { seed, epochs, warmupEpochs, batchSize, rate } = settings;
  const [{ dim, labels }] = views as [Features];
  const count = labels.length;
  const batches = planBatches({
    count,
    batchSize,
    shuffle(epoch) {
      const random = new Random(seed, "probe", epoch);
      return () => random.nextU32();
    },
  });
  const { stepsPerEpoch } = batches;
  const rateAt = warmupCosine({
    base: rate,
    warmupSteps: warmupEpochs * stepsPerEpoch,
    totalSteps: epochs * stepsPerEpoch,
  });

  const optimizer = lars(params);
  for (const tensor of Object.values(optimizer.state).flat()) hold(tensor);
  const guard = new Guard(device);
  hold(guard.state);
  const features = hold(Tensor.from(device, views[0]!.values, [count, dim]));
  const classes = hold(Tensor.from(device, Uint32Array.from(labels), [count], "u32"));
  const index = hold(Tensor.from(device, new Uint32Array(batchSize), [batchSize], "u32"));
  const values = hold(new StepValues(device, { numbers: { dtype: "f32", shape: [4] } }));
  const total = hold(Tensor.from(device, [0], []));
  const step = hold(
    await compile(device, () => {
      const [x, y] = [indexSelect(features, index), indexSelect(classes, index)];
      return {
        total: accumulate(total, probeStep(params, optimizer, guard, x, y, values.tensor("numbers"))),
      };
    }),
  );
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    if (views.length > 1) features.write(views[epoch % views.length]!.values);
    total.write([0]);
    for (let i = 0; i < stepsPerEpoch; i++) {
      const update = epoch * stepsPerEpoch + i;
      index.write(batches.indices({ epoch, step: i }));
      values.write({
        numbers: optimizer.numbers({ step: update + 1, lr: rateAt(update), weightDecay: 0 }),
      });
      step.run();
    }
    const loss = (await total.item()) / stepsPerEpoch;
    if (!Number.isFinite(loss)) {
      throw new Error(
        `linearProbe: the loss must stay finite; got ${loss} in epoch ${epoch}. Lower the base rate ${settings.baseRate}`,
      );
    }
    losses.push(loss);
    onEpoch?.(epoch, loss);
  }
  return losses;
}

/** Logits of every row with the running statistics. features [count, D] -> [count, K] on the host. */
async function evaluate(hold: Hold, params: Parameters, { values, dim, labels, classes }: Features) {
  const { device } = params;
  const count = labels.length;
  const rows = Math.min(count, 1024);
  const x = hold(Tensor.from(device, new Float32Array(rows * dim), [rows, dim]));
  const step = hold(await compile(device, () => ({ logits: probeLogits(params, x, null) })));
  const logits = new Float32Array(count * classes);
  for (let start = 0; start < count; start += rows) {
    const here = Math.min(rows, count - start);
    const padded = new Float32Array(rows * dim);
    padded.set(values.subarray(start * dim, (start + here) * dim));
    x.write(padded);
    const read = await step.run().logits.read();
    logits.set(read.subarray(0, here * classes), start * classes);
  }
  return logits;
}
