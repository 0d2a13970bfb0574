/** One cell of a study: an encoder trained, or left as it is, and read out. */
import type { ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { Parameters } from "../engine/graph/parameters.ts";
import { timmInit } from "../models/init.ts";
import type { MethodName } from "../models/methods.ts";
import { type VitConfig, vitConfig, vitSpecs } from "../models/vit.ts";
import { DeviceImages } from "../train/deviceImages.ts";
import { moduleOf, type RunSettings, runSettings } from "../train/run.ts";
import { Trainer } from "../train/trainer.ts";
import type { Cell, StudyPlan } from "./plan.ts";
import { pixelEncoder, type Readout, readAll, type StudyEncoder, vitEncoder } from "./readouts.ts";
import type { Target } from "./targets.ts";

/** Pictures of one set, ready. */
export interface CellPictures {
  /** To pretrain on. */
  train: ImageSet;
  targets: readonly Target[];
}

export interface CellResult extends Cell {
  readouts: Readout[];
  /** Of a trained encoder. */
  training?: {
    settings: RunSettings;
    /** Pictures seen. */
    pictures: number;
    seconds: number;
    /** Metrics of some steps, the first and the last among them. */
    rows: Record<string, number>[];
  };
}

export interface CellOptions {
  now: () => number;
  /** Told about each row of metrics that is kept. */
  onRow?: (row: Record<string, number>) => void;
  /** Given the trained run before it is measured: what saves its encoder. */
  trained?: (trainer: Trainer) => Promise<void>;
}

/** Rows of metrics that a result keeps. */
const ROWS = 100;

/** Trains and reads out a cell. A pure function of the plan, the cell and the pictures on one adapter, times aside. */
export async function runCell(
  device: Device,
  plan: StudyPlan,
  cell: Cell,
  { train, targets }: CellPictures,
  options: CellOptions,
): Promise<CellResult> {
  const { encoder: name, seed } = cell;
  const read = (encoder: StudyEncoder) => readAll(device, encoder, targets, plan, seed);
  const config = vitConfig(plan.model);
  if (name === "pixels") return { ...cell, readouts: await read(pixelEncoder(config.imageSize)) };
  if (name === "untrained") return { ...cell, readouts: await read(untrained(device, config, seed)) };
  const settings = cellSettings(plan, cell, train);
  const images = await DeviceImages.upload(device, train);
  const trainer = new Trainer(device, settings, images);
  await trainer.prepare();
  await device.finish();
  const start = options.now();
  const rows = await trainAll(trainer, options.onRow);
  const seconds = (options.now() - start) / 1000;
  await options.trained?.(trainer);
  const pictures = settings.batchSize * settings.totalSteps;
  const readouts = await read(vitEncoder(trainer.encoder, trainer.method.encoder.config));
  return { ...cell, readouts, training: { settings, pictures, seconds, rows } };
}

/** The run of a cell: the method's small recipe with what the plan changes. */
export function cellSettings(plan: StudyPlan, { encoder, seed }: Cell, data: ImageSet): RunSettings {
  const method = encoder as MethodName;
  const { batch, lr, pictures = plan.pictures, config } = plan.methods[method] ?? {};
  const batchSize = Math.min(batch ?? moduleOf(method).recipes.small.batchSize, data.count);
  return runSettings({
    method,
    model: plan.model,
    data: { ...data, classes: data.classes.length },
    seed,
    batchSize,
    totalSteps: Math.ceil(pictures / batchSize),
    recipe: "small",
    ...(lr === undefined ? {} : { rate: lr }),
    ...(config === undefined ? {} : { config }),
  });
}

/** An encoder with its first values. */
function untrained(device: Device, config: VitConfig, seed: number): StudyEncoder {
  return vitEncoder(new Parameters(device, vitSpecs(config, timmInit(seed)), { gradients: false }), config);
}

/** Runs every step; reads the metrics late, so that the GPU always has work. */
async function trainAll(trainer: Trainer, onRow: CellOptions["onRow"]): Promise<Record<string, number>[]> {
  const { totalSteps } = trainer.settings;
  const every = Math.max(1, Math.floor(totalSteps / ROWS));
  const window = Math.floor(trainer.ring.rows / 4);
  const rows: Record<string, number>[] = [];
  for (let seen = 0; seen < totalSteps; ) {
    const end = Math.min(totalSteps, seen + window);
    while (trainer.step < end) trainer.run();
    for (const { step, values } of await trainer.ring.read(seen, end)) {
      if (!Number.isFinite(values.loss))
        throw new Error(`study: step ${step}: the loss is ${values.loss}. Lower lr`);
      if (step % every !== 0 && step !== totalSteps - 1) continue;
      const row = { step, ...values } as Record<string, number>;
      rows.push(row);
      onRow?.(row);
    }
    seen = end;
  }
  return rows;
}
