import crossEntropyWgsl from "../../shaders/crossEntropy.wgsl";
import { f32Bits, words } from "../gpu/words.ts";
import { defineOp } from "../graph/op.ts";
import { ANY, FLOAT } from "../graph/takes.ts";
import { Tensor } from "../graph/tensor.ts";
import { flatKernel, rowKernel, rowsOf, summing, withNan } from "./reduce.ts";
import { sumMiddle } from "./sum.ts";

export interface CrossEntropyOptions {
  /** Share of the target that is spread evenly over all classes, in [0, 1]; 0 when absent. Fixed for good. */
  labelSmoothing?: number;
  /** Rows of this label cost nothing; none without. `reduction` "mean" still divides by all rows. Fixed for good. */
  ignoreIndex?: number;
  /** One loss for all rows (their mean, the default) or one for each. */
  reduction?: "mean" | "none";
}

interface Params {
  soft: boolean;
  labelSmoothing: number;
  ignoreIndex: number | null;
  reduction: "mean" | "none";
}

const text = summing(withNan(crossEntropyWgsl));
/* @__NO_SIDE_EFFECTS__ */
const kernelsFor = (SOFT: boolean) => ({
  forward: rowKernel("crossEntropy_forward", text, { SOFT }),
  backward: flatKernel("crossEntropy_backward", text, { SOFT }),
});
const hard = kernelsFor(false);
const soft = kernelsFor(true);
const targetGradient = flatKernel("crossEntropy_target", text, { SOFT: true });

function sizesOf(logits: Tensor, { labelSmoothing, ignoreIndex, reduction }: Params) {
  const { rows, n } = rowsOf("crossEntropy", logits.shape);
  const isMean = reduction === "mean";
  const ignores = ignoreIndex === null ? [0, 0] : [1, ignoreIndex >>> 0];
  const scale = f32Bits(isMean ? 1 / rows : 1);
  const settings = words(rows, n, f32Bits(labelSmoothing), scale, isMean ? 0 : 1, ...ignores);
  return { rows, n, settings };
}

const op = defineOp<[Tensor, Tensor], Params, Tensor>({
  name: "crossEntropy",
  takes: { logits: FLOAT, target: ANY },
  shape([logits, target], params) {
    rowsOf("crossEntropy", logits);
    const rowShape = logits.slice(0, -1);
    if (`${target}` !== `${params.soft ? logits : rowShape}`) {
      throw new Error(
        `crossEntropy: needs logits [..., K] and target [...] of labels or [..., K] of f32; got logits [${logits}] and ${params.soft ? "f32" : "label"} target [${target}]`,
      );
    }
    return params.reduction === "mean" ? [] : rowShape;
  },
  forward({ device, inputs: [logits, target], params, output }) {
    const { rows, n, settings } = sizesOf(logits, params);
    const statistics = Tensor.empty(device, [rows, 3]);
    const losses = params.reduction === "mean" ? Tensor.empty(device, [rows]) : output;
    (params.soft ? soft : hard).forward(device, { rows, n }, [settings, logits, target, losses, statistics]);
    if (losses !== output) sumMiddle(device, losses, 1, rows, 1, output);
    return statistics;
  },
  backward({ device, inputs: [logits, target], params, saved, wants, into }, dy) {
    const { settings } = sizesOf(logits, params);
    const dx = wants(0) ? into(0) : null;
    const dt = wants(1) && params.soft ? into(1) : null;
    const { backward } = params.soft ? soft : hard;
    if (dx) backward(device, logits.size, [settings, logits, target, saved, dy, dx]);
    if (dt) targetGradient(device, logits.size, [settings, logits, saved, dy, dt]);
    return [dx, dt];
  },
});

/**
 * -sum over k of t'[k] log softmax(logits)[k], with t' = (1 - labelSmoothing) t + labelSmoothing / K.
 * logits f32 [..., K]; target [...] u32 or i32 labels, or [..., K] f32 weights t -> [] the mean over all rows, or [...] with
 * reduction "none". The softmax is never stored. Gradients reach logits and f32 targets (stop those of a teacher with
 * `stopGradient`). A label that is not in [0, K) gives NaN, as do logits that are NaN or +infinity.
 * torch.nn.functional.cross_entropy, with the classes on the last axis; where some rows are ignored, torch divides by the
 * number of the others.
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0, ignoreIndex = null, reduction = "mean" } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new Error(`crossEntropy: labelSmoothing must be in [0, 1]; got ${labelSmoothing}`);
  }
  const soft = target.dtype === "f32";
  if (ignoreIndex !== null && (soft || !Number.isInteger(ignoreIndex))) {
    throw new Error(
      `crossEntropy: ignoreIndex must be a whole number beside labels; got ${ignoreIndex} beside ${soft ? "f32 weights" : "labels"}`,
    );
  }
  return op([logits, target], { soft, labelSmoothing, ignoreIndex, reduction });
}
