/**
 * An encoder and its classifier, as labels train them: from their first values, or from a pretrained encoder's. The second is
 * fine-tuning as MAE has it (He et al. 2022, arXiv:2111.06377; main_finetune.py, util/lr_decay.py; BEiT's optim_factory.py): the
 * mean of the patches is read in place of the class token, and rates fall from the head to the patches. What differs: relative
 * positions stay one table for all blocks, as data2vec's do, where BEiT gives each block a copy; CAE's blocks get none beside
 * their fixed positions, where its modeling_finetune.py gives each a table of its own that begins at zero.
 */
import { type ParameterSpec, type Parameters, specWith } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { layerNorm } from "../engine/ops/layerNorm.ts";
import { linear } from "../engine/ops/linear.ts";
import { mean } from "../engine/ops/mean.ts";
import { slice } from "../engine/ops/slice.ts";
import { normSpecs } from "./block.ts";
import type { Initializer } from "./init.ts";
import { classTokensOf, headLogits, headSpecs, type VitConfig, type VitOutput, vitSpecs } from "./vit.ts";

export interface ClassifierConfig {
  /** Whether the head reads the mean of the patches through a norm of its own, `fc_norm`; the class token otherwise. */
  meanPool: boolean;
  /** What a layer's learning rate is of that of the layer above; 1 for one rate. */
  layerDecay: number;
}

/** Deviation of a head's first values: DeiT's, of timm 0.3. */
const DEIT_HEAD = 0.02;
/** Of a head that a pretrained encoder gets: MAE's; BEiT's and CAE's is N(0.02) times .001, the same. */
const FINE_TUNED_HEAD = 2e-5;

/** The encoder, and a head for each class token. Class token and positions are not decayed (timm's no_weight_decay). */
export function classifierSpecs(
  encoder: VitConfig,
  classes: number,
  init: Initializer,
  { meanPool, layerDecay }: ClassifierConfig,
): ParameterSpec[] {
  const { embedDim, depth, distToken } = encoder;
  const specs = [
    // The final norm is in no loss where blocks are read before it; it stays for what reads tokens.
    ...vitSpecs(encoder, init).map((spec) =>
      meanPool && isFinalNorm(spec.name) ? specWith(spec, { trained: false }) : spec,
    ),
    ...(meanPool ? normSpecs("fc_norm", embedDim) : []),
    ...headSpecs(embedDim, classes, init, "head", meanPool ? FINE_TUNED_HEAD : DEIT_HEAD),
    ...(distToken ? headSpecs(embedDim, classes, init, "head_dist", DEIT_HEAD) : []),
  ];
  return specs.map((spec) => {
    const rateScale = layerDecay ** (depth + 1 - layerOf(spec.name, depth));
    const isExempt = spec.name === "cls_token" || spec.name === "pos_embed"; // dist_token is decayed
    return specWith(spec, { ...(isExempt && { decay: false }), rateScale });
  });
}

const isFinalNorm = (name: string): boolean => name.startsWith("norm.");

/** The layer that a parameter belongs to: 0 what makes tokens of pictures, i + 1 block i, depth + 1 all behind the blocks. */
export function layerOf(name: string, depth: number): number {
  const [first, block] = name.split(".");
  if (first === "blocks") return Number(block) + 1;
  return ["cls_token", "dist_token", "pos_embed", "patch_embed"].includes(first!) ? 0 : depth + 1;
}

/** The logits of the head, [B, K]. */
export function classifierLogits(
  params: Parameters,
  encoder: VitConfig,
  { tokens, blocks }: VitOutput,
  { meanPool }: Pick<ClassifierConfig, "meanPool">,
): Tensor {
  if (!meanPool) return headLogits(params, "head", tokens);
  const last = blocks.at(-1)!; // before the final norm, [B, C + N, D]
  const pooled = mean(slice(last, 1, classTokensOf(encoder)), 1);
  const normed = layerNorm(pooled, params.get("fc_norm.weight"), params.get("fc_norm.bias"));
  return linear(normed, params.get("head.weight"), params.get("head.bias"));
}
