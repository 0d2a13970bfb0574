import type { ParameterSpec, Parameters } from "../engine/graph/parameters.ts";
import type { Tensor } from "../engine/graph/tensor.ts";
import { maeInit } from "./init.ts";
import { decoderSpecs, type MaeConfig, mae, maskingNoise } from "./mae.ts";
import { type Training, type VitConfig, vitSpecs } from "./vit.ts";

/** A self-supervised objective: what to train, and how to get its loss from a batch. */
export interface Objective {
  readonly name: "mae";
  /** The encoder that probes read, under timm's names. */
  readonly encoder: VitConfig;
  /** Everything that is trained or stored, with first values from the seed. */
  specs(seed: number): ParameterSpec[];
  /** images [B, H, W, 3] -> the loss and what else to log, all scalars. */
  loss(
    params: Parameters,
    images: Tensor,
    training: Training,
  ): { loss: Tensor; metrics: Record<string, Tensor> };
}

/** Masked autoencoding. */
export const maeObjective = (config: MaeConfig): Objective => ({
  name: "mae",
  encoder: config.encoder,
  specs(seed) {
    const init = maeInit(seed);
    return [...vitSpecs(config.encoder, init), ...decoderSpecs(config, init)];
  },
  loss(params, images, training) {
    const noise = maskingNoise(config, images.shape[0]!, training);
    const { loss } = mae(params, config, images, noise, training);
    return { loss, metrics: {} };
  },
});
