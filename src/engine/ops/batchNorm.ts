import batchNormWgsl from "../../shaders/batchNorm.wgsl";
import { f32Bits, words } from "../gpu/words.ts";
import { fill } from "../graph/fill.ts";
import { flagOf, type Guard } from "../graph/guard.ts";
import { defineOp } from "../graph/op.ts";
import { isRepeating } from "../graph/recompute.ts";
import { checkDTypes, FLOAT } from "../graph/takes.ts";
import { type Shape, Tensor } from "../graph/tensor.ts";
import { columnKernel, flatKernel, summing } from "./reduce.ts";

export interface BatchNormOptions {
  /** [D], ones when absent. */
  weight?: Tensor;
  /** [D], zeros when absent. */
  bias?: Tensor;
  /** [D], moved towards the batch's statistics in place when training, used instead of them otherwise. */
  runningMean: Tensor;
  runningVar: Tensor;
  /** Weight of the new batch in the running statistics; 0.1 when absent. Fixed for good. */
  momentum?: number;
  eps?: number;
  training: boolean;
  /** In training: the running statistics move when it settles, and not in a step that halts it; at once when absent. */
  guard?: Guard;
}

interface Params {
  runningMean: Tensor;
  runningVar: Tensor;
  momentum: number;
  eps: number;
  training: boolean;
  guard: Guard | undefined;
}

const text = summing(batchNormWgsl);
const statistics = columnKernel("batchNorm_statistics", text);
const update = flatKernel("batchNorm_update", text);
const forward = flatKernel("batchNorm_forward", text);
const sums = columnKernel("batchNorm_sums", text);
const backward = flatKernel("batchNorm_backward", text);

/** The uniform all kernels but update share. */
function sizesOf([rows, columns]: Shape, { eps, training }: Params): Uint32Array {
  return words(rows!, columns!, f32Bits(eps), f32Bits(training ? 1 / rows! : 0));
}

function checkShapes([x, weight, bias]: readonly [Shape, Shape, Shape], params: Params): void {
  const { runningMean, runningVar, training } = params;
  const ofColumns = [weight, bias, runningMean.shape, runningVar.shape];
  if (x.length !== 2 || !ofColumns.every((shape) => `${shape}` === `${x[1]}`)) {
    throw new Error(
      `batchNorm: needs x [N, D] and [D] for weight, bias, runningMean and runningVar; got x [${x}] and [${ofColumns.join("], [")}]`,
    );
  }
  if (training && x[0] === 1) {
    throw new Error(`batchNorm: training needs at least 2 rows, or there is no variance; got x [${x}]`);
  }
}

const op = defineOp<[Tensor, Tensor, Tensor], Params, { mean: Tensor; variance: Tensor }>({
  name: "batchNorm",
  takes: { x: FLOAT, weight: FLOAT, bias: FLOAT },
  shape(shapes, params) {
    checkShapes(shapes, params);
    return shapes[0];
  },
  forward({ device, inputs: [x, weight, bias], params, output: y }) {
    const [rows, columns] = x.shape as [number, number];
    const { runningMean, runningVar, momentum, training, guard } = params;
    const [mean, variance] = [Tensor.empty(device, [columns]), Tensor.empty(device, [columns])];
    const sizes = sizesOf(x.shape, params);
    if (training) {
      const settings = words(columns, f32Bits(momentum), f32Bits(rows / (rows - 1)));
      statistics(device, { columns, n: rows }, [sizes, x, mean, variance]);
      const flag = flagOf(device, guard);
      const move = (mean: Tensor, variance: Tensor) =>
        update(device, columns, [settings, runningMean, mean, variance, runningVar, flag]);
      if (!isRepeating()) {
        if (guard) guard.later([mean, variance], move);
        else move(mean, variance);
      }
    } else {
      // Copies, because a later step may move the running statistics before the gradient is asked for.
      device.copy(runningMean, mean);
      device.copy(runningVar, variance);
    }
    forward(device, x.size, [sizes, x, mean, variance, weight, bias, y]);
    return { mean, variance };
  },
  backward({ device, inputs: [x, weight], params, saved: { mean, variance }, wants, into }, dy) {
    const [dweight, dbias] = [into(1), into(2)];
    const sizes = sizesOf(x.shape, params);
    const [n, columns] = x.shape as [number, number];
    sums(device, { columns, n }, [sizes, x, mean, variance, dy, dweight, dbias]);
    const dx = wants(0) ? into(0) : null;
    if (dx) backward(device, x.size, [sizes, x, mean, variance, dy, dweight, dbias, weight, dx]);
    return [dx, dweight, dbias];
  },
});

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias for each column of x [N, D] -> [N, D], all f32. Training takes mean and
 * biased variance from the batch and moves the running buffers in place, running += momentum (batch - running), with
 * the unbiased variance; otherwise the running buffers are the statistics. torch.nn.functional.batch_norm.
 */
export function batchNorm(x: Tensor, options: BatchNormOptions): Tensor {
  const { weight, bias, runningMean, runningVar, momentum = 0.1, eps = 1e-5, training, guard } = options;
  checkDTypes("batchNorm", { runningMean: FLOAT, runningVar: FLOAT }, [runningMean, runningVar]);
  const { device } = x;
  const columns = runningMean.shape;
  return op([x, weight ?? fill(device, columns, 1), bias ?? fill(device, columns, 0)], {
    runningMean,
    runningVar,
    momentum,
    eps,
    training,
    guard,
  });
}
