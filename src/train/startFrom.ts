// Where fine-tuning starts: the encoder of another run.

import { timmInit } from "../models/init.ts";
import { type VitConfig, vitSpecs } from "../models/vit.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { methodOf, type RunSettings } from "./run.ts";
import { prefixOf } from "./runState.ts";
import type { Trainer } from "./trainer.ts";

/** What a run that starts from another one has of it. */
export interface Start {
  method: RunSettings["method"];
  /** For the run's settings: its model and what stands for it. */
  model: string;
  encoder: VitConfig;
  /** By the names of its parameters, and of those of a classifier that go on from them. */
  values: Map<string, Float32Array>;
}

/**
 * The encoder of a checkpoint, as probes read it. Positions that its run kept are trained from now on, as in MAE's fine-tuning;
 * CAE's stay fixed, and its classifier's norm goes on from the encoder's last (run_class_finetuning.py). Throws one sentence
 * where another run cannot start from it.
 */
export async function readStart({ info, values }: Checkpoint): Promise<Start> {
  const { settings } = info;
  const { encoder, networks } = methodOf(settings);
  const { dropPath: _, distToken, ...config } = encoder.config;
  if (distToken) {
    throw new Error(
      "readStart: the encoder must have one class token; got a run that learned from a teacher",
    );
  }
  const isCae = settings.method === "cae";
  const areKept = isCae || config.positions === "relative";
  const start: VitConfig = { ...config, positions: areKept ? config.positions : "learned" };
  const all = networks(settings.seed);
  const found = new Map<string, Float32Array>();
  for (const { name } of vitSpecs(start, timmInit(0))) {
    found.set(name, await values(prefixOf(all, encoder.network) + name));
  }
  for (const part of isCae ? ["weight", "bias"] : [])
    found.set(`fc_norm.${part}`, found.get(`norm.${part}`)!);
  return { method: settings.method, model: settings.model, encoder: start, values: found };
}

/** What `Trainer.ready` takes to start from an encoder: a moving average of the weights starts as they do. */
export function startValues({ networks }: Pick<Trainer, "networks">, { values }: Pick<Start, "values">) {
  const all = new Map<string, Float32Array>();
  for (const [network, params] of Object.entries(networks)) {
    for (const [name, own] of values) if (params.has(name)) all.set(prefixOf(networks, network) + name, own);
  }
  return all;
}
