/**
 * The one way in which heads of probes are trained on frozen features and tested: all epochs are replays of one captured update.
 * What differs from the official programs: an epoch leaves its last, smaller batch out, and sets smaller than ImageNet get smaller
 * batches, see `probeSettings`.
 */
import { planBatches } from "../../data/batches.ts";
import { compile } from "../../engine/capture/compile.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { grad } from "../../engine/graph/autograd.ts";
import { accumulate } from "../../engine/graph/fill.ts";
import { Guard, NonFiniteLossError } from "../../engine/graph/guard.ts";
import type { Parameters } from "../../engine/graph/parameters.ts";
import { type Shape, Tensor } from "../../engine/graph/tensor.ts";
import { crossEntropy } from "../../engine/ops/crossEntropy.ts";
import { clipGradients } from "../../engine/optim/clip.ts";
import type { Optimizer } from "../../engine/optim/optimizer.ts";
import { Random } from "../../engine/random.ts";
import { StepValues } from "../../engine/step/stepValues.ts";
import { checkKind } from "../features.ts";
import { type Hold, holding } from "../holding.ts";
import { accuracyOf, type GuessLevels, guessLevels, type Hits, topKHits } from "../metrics.ts";
import type { Rows } from "../rows.ts";
import {
  type HeadRecipe,
  optimizerOf,
  type ProbeOptions,
  type ProbeSettings,
  probeSettings,
  rateOf,
} from "./headRecipe.ts";

/** What is trained on frozen features. */
export interface Head {
  params: Parameters;
  /** x [B, D] -> logits [B, K]. Training is under a guard, which moves running statistics when it settles; null tests by them. */
  logits(x: Tensor, guard: Guard | null): Tensor;
}

/** A kind of head and how it is trained. */
export interface Probe {
  /** For messages. */
  name: string;
  recipe: HeadRecipe;
  head(device: Device, dim: number, classes: number, seed: number): Head;
  /** Test rows at a time whose own statistics batch norm takes; the running ones, over any number of rows, when absent. */
  batchStatistics?: number;
}

export interface ProbeResult extends GuessLevels {
  top1: number;
  top5: number;
  /** Top-1 by test row, for paired comparisons. */
  hits: Hits;
  /** Mean training loss of each epoch. */
  losses: number[];
  /** The highest top-1 after an epoch, and that epoch, where it was asked for. */
  best?: { epoch: number; top1: number };
  settings: ProbeSettings;
  /** The trained head and its running statistics by name. */
  head: Map<string, { shape: Shape; values: Float32Array }>;
}

/** Trains a head and tests it. A function of rows, probe and options, to the bit on one adapter. */
export async function trainAndTest(
  device: Device,
  probe: Probe,
  train: Rows,
  test: Rows,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const { name, recipe } = probe;
  const { labels, dim, classes } = train;
  checkKind(name, train, test);
  const mostRows = Math.floor(device.limits.maxStorageBufferBindingSize / (4 * dim));
  const settings = probeSettings(name, labels.length, recipe, options, mostRows);
  const { batchStatistics = 0 } = probe;
  if (batchStatistics + 1 > mostRows) {
    throw new Error(
      `${name}: batch statistics are of ${batchStatistics} rows at once; this device holds ${mostRows}. Leave them out`,
    );
  }
  return holding(async (hold) => {
    const head = probe.head(device, dim, classes, settings.seed);
    hold(head.params);
    const scores = () => holding((own) => testLogits(own, head, test, probe.batchStatistics, mostRows));
    const hitsOf = (logits: Float32Array, k: number): Hits => topKHits(logits, test.labels, classes, k);
    let best: ProbeResult["best"];
    const losses = await holding((own) =>
      trainHead(own, head, probe, train, settings, async (epoch, loss) => {
        options.onEpoch?.(epoch, loss);
        if (!options.bestEpoch) return;
        const top1 = accuracyOf(hitsOf(await scores(), 1));
        if (!best || top1 > best.top1) best = { epoch, top1 };
      }),
    );
    const logits = await scores();
    const hits = hitsOf(logits, 1);
    return {
      top1: accuracyOf(hits),
      top5: accuracyOf(hitsOf(logits, 5)),
      ...{ hits, losses, settings },
      ...(best && { best }),
      head: await head.params.read(head.params.values),
      ...guessLevels(labels, test.labels, classes),
    };
  });
}

/** One update. x [B, D], labels u32 [B], numbers [4] from the optimiser -> the loss before it, []. */
export function headStep(
  { params, logits }: Head,
  optimizer: Optimizer,
  guard: Guard,
  x: Tensor,
  labels: Tensor,
  numbers: Tensor,
): Tensor {
  const loss = crossEntropy(logits(x, guard), labels);
  const { tensors, into } = params.trainable();
  grad(loss, tensors, { into });
  optimizer.update(numbers, clipGradients(params, guard).factors);
  guard.settle();
  return loss;
}

/** Runs all epochs -> the mean loss of each. */
async function trainHead(
  hold: Hold,
  head: Head,
  { name, recipe }: Probe,
  { labels, ...rows }: Rows,
  settings: ProbeSettings,
  onEpoch: (epoch: number, loss: number) => Promise<void>,
): Promise<number[]> {
  const { device } = head.params;
  const { seed, epochs, batchSize, baseRate } = settings;
  const batches = planBatches({
    count: labels.length,
    batchSize,
    shuffle(epoch) {
      const random = new Random(seed, "probe", epoch);
      return () => random.nextU32();
    },
  });
  const { stepsPerEpoch } = batches;
  const rateAt = rateOf(recipe, settings, stepsPerEpoch);

  const optimizer = hold(optimizerOf(recipe, head.params));
  const guard = hold(new Guard(device));
  const batch = await rows.open(device, batchSize, hold);
  const values = hold(
    new StepValues(device, {
      numbers: { dtype: "f32", shape: [4] },
      labels: { dtype: "u32", shape: [batchSize] },
    }),
  );
  const total = hold(Tensor.from(device, [0], []));
  const step = hold(
    await compile(device, () => {
      const [y, numbers] = [values.tensor("labels"), values.tensor("numbers")];
      return { total: accumulate(total, headStep(head, optimizer, guard, batch.tensor(), y, numbers)) };
    }),
  );
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    total.write([0]);
    for (let i = 0; i < stepsPerEpoch; i++) {
      const update = epoch * stepsPerEpoch + i;
      const indices = batches.indices({ epoch, step: i });
      await batch.load(indices, epoch);
      values.write({
        numbers: optimizer.numbers({ step: update + 1, lr: rateAt(update), weightDecay: 0 }),
        labels: Uint32Array.from(indices, (row) => labels[row]!),
      });
      step.run();
    }
    const loss = (await total.item()) / stepsPerEpoch;
    if (!Number.isFinite(loss)) {
      throw new NonFiniteLossError(
        `${name}: the loss must stay finite; got ${loss} in epoch ${epoch}. Lower the base rate ${baseRate}`,
      );
    }
    losses.push(loss);
    await onEpoch(epoch, loss);
  }
  return losses;
}

/** Rows, and values of them, that are tested at once where it changes no result. */
const TESTED = 1024;
const TESTED_VALUES = 2 ** 24;
const testedAtOnce = (dim: number): number => Math.max(64, Math.min(TESTED, Math.floor(TESTED_VALUES / dim)));

/** Logits of every row, [count, K] on the host. */
async function testLogits(
  hold: Hold,
  { params, logits }: Head,
  { labels, classes, dim, ...rows }: Rows,
  batchStatistics: number | undefined,
  mostRows: number,
): Promise<Float32Array> {
  const { device } = params;
  const count = labels.length;
  const found = new Float32Array(count * classes);
  // A guard that nobody settles: the batch's statistics count, and the running ones stay.
  const guard = batchStatistics === undefined ? null : new Guard(device);
  if (guard) hold(guard);
  const chunks = guard
    ? wholeChunks(count, batchStatistics!)
    : evenChunks(count, Math.min(mostRows, testedAtOnce(dim)));
  for (const size of new Set(chunks.map(({ length }) => length))) {
    const batch = await rows.open(device, size, hold);
    const step = hold(await compile(device, () => ({ logits: logits(batch.tensor(), guard) })));
    for (const chunk of chunks) {
      if (chunk.length !== size) continue;
      await batch.load(chunk, 0);
      const read = await step.run().logits.read();
      const first = chunk[0]!;
      found.set(read.subarray(0, (count - first) * classes), first * classes);
    }
  }
  return found;
}

/** Rows in order, `size` at a time; the last chunk ends with the last row again and again. */
const evenChunks = (count: number, most: number): Uint32Array[] => {
  const size = Math.min(count, most);
  return Array.from({ length: Math.ceil(count / size) }, (_, chunk) =>
    Uint32Array.from({ length: size }, (_, i) => Math.min(chunk * size + i, count - 1)),
  );
};

/** Rows in order, `size` at a time and the rest, which is no single row: that one joins the chunk before it. */
const wholeChunks = (count: number, size: number): Uint32Array[] => {
  const many = Math.max(1, count % size === 1 ? Math.floor(count / size) : Math.ceil(count / size));
  return Array.from({ length: many }, (_, chunk) => {
    const end = chunk === many - 1 ? count : (chunk + 1) * size;
    return Uint32Array.from({ length: end - chunk * size }, (_, i) => chunk * size + i);
  });
};
