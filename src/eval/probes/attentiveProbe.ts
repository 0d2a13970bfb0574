/**
 * CAE's attentive probe (Chen et al. 2022, arXiv:2202.03026; modeling_finetune.py): a learned query asks all tokens of a frozen
 * encoder by one cross-attention, without residual and MLP, and a linear layer classifies its answer. The paper of the study
 * classifies parts by it, too (arXiv:2301.11915; patch_lincls.py). What differs: `batchStatistics` is off, see there.
 */
import type { Device } from "../../engine/gpu/device.ts";
import { Parameters } from "../../engine/graph/parameters.ts";
import { expand } from "../../engine/ops/expand.ts";
import { linear } from "../../engine/ops/linear.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { crossAttention, crossAttentionSpecs, crossNormSpecs } from "../../models/crossAttention.ts";
import { beitInit, constant, type Initializer, normal, timmInit } from "../../models/init.ts";
import type { Rows } from "../rows.ts";
import { featureNorm, featureNormSpecs } from "./featureNorm.ts";
import type { HeadRecipe, ProbeOptions } from "./headRecipe.ts";
import { type Head, type ProbeResult, trainAndTest } from "./trainedHead.ts";

/** The probe as a paper has it. */
export interface AttentiveStyle extends HeadRecipe {
  /** Of linear layers, and of the query unless it begins as zeros. */
  init: (seed: number) => Initializer;
  zeroQuery: boolean;
}

export const ATTENTIVE_STYLES = {
  cae: {
    source: "CAE's attentive probe on ImageNet",
    init: timmInit, // N(0, 0.02²)
    zeroQuery: true,
    optimizer: "nesterov",
    epochs: 90,
    warmupEpochs: 10,
    batchSize: 8192,
    rate: 0.4,
    // 30 epochs of 1,000 coats in batches of 64, a micro encoder after 250 steps of MAE: .003 gives 27.1 % top-1, .025 32.9 %,
    // .1 36.7 %, .4 26.8 %.
    smallRate: 0.1,
    crop: { singleShot: false, filter: "bicubic" },
    schedule: "linspaceCosine",
    minRate: 1e-6,
  },
  parts: {
    source: "the study's part classification, arXiv:2301.11915",
    init: beitInit, // the same cut at one deviation
    zeroQuery: false,
    optimizer: "sgd",
    epochs: 90,
    warmupEpochs: 0,
    batchSize: 1024,
    rate: 0.04, // 0.01 * 1024 / 256
    literal: true, // on crops of CUB and COCO
    crop: null,
    schedule: "cosineByEpoch",
    minRate: 0,
  },
} as const satisfies Record<string, AttentiveStyle>;

export type AttentiveStyleName = keyof typeof ATTENTIVE_STYLES;

export interface AttentiveOptions extends ProbeOptions {
  /** CAE's when absent. */
  style?: AttentiveStyleName;
  /** Width of a token and heads of the attention: the encoder's. */
  width: number;
  heads: number;
  /**
   * A quirk of both official programs: batch norm is in training mode while testing, so that what is said of a picture depends on
   * those beside it, 256 in the set's order. Off when absent: its running statistics count.
   */
  batchStatistics?: boolean;
}

/** Test batch of the official part classification. */
const OFFICIAL_TEST_BATCH = 256;

/** Trains the probe and tests it. Rows are all tokens of a picture after the final norm, class token included: [T D]. */
export const attentiveProbe = (
  device: Device,
  train: Rows,
  test: Rows,
  { style = "cae", width, heads, batchStatistics = false, ...options }: AttentiveOptions,
): Promise<ProbeResult> =>
  trainAndTest(
    device,
    {
      name: "attentiveProbe",
      recipe: ATTENTIVE_STYLES[style],
      head: (on, _, classes, seed) =>
        attentiveHead(on, { width, heads, classes, seed, style: ATTENTIVE_STYLES[style] }),
      ...(batchStatistics ? { batchStatistics: OFFICIAL_TEST_BATCH } : {}),
    },
    train,
    test,
    options,
  );

interface AttentiveConfig {
  width: number;
  heads: number;
  classes: number;
  seed: number;
  style: Pick<AttentiveStyle, "init" | "zeroQuery">;
}

const BLOCK = "attentive";

/** A fresh head: query, cross-attention, batch norm without scale and shift (eps 1e-5), classifier N(0, 0.01²). */
export function attentiveHead(device: Device, config: AttentiveConfig): Head {
  const { width, heads, classes, seed, style } = config;
  const init = style.init(seed);
  const query = style.zeroQuery ? constant(width, 0) : init.token("query_token", width);
  const classifier = normal(init.random("head.weight"), classes * width, 0.01);
  const params = new Parameters(device, [
    { name: "query_token", shape: [1, 1, width], values: query },
    ...crossNormSpecs(BLOCK, width),
    ...crossAttentionSpecs(BLOCK, width, init),
    { name: "head.weight", shape: [classes, width], values: classifier },
    { name: "head.bias", shape: [classes], values: constant(classes, 0) },
    ...featureNormSpecs("norm", width),
  ]);
  return {
    params,
    logits(x, guard) {
      const batch = x.shape[0]!;
      const tokens = reshape(x, [batch, -1, width]);
      const q = expand(params.get("query_token"), [batch, 1, width]);
      const answer = crossAttention(params, BLOCK, heads, { q, k: tokens, v: tokens }); // [B, 1, D]
      const normed = featureNorm(params, "norm", reshape(answer, [batch, width]), guard, 1e-5);
      return linear(normed, params.get("head.weight"), params.get("head.bias"));
    },
  };
}
