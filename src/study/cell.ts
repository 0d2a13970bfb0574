/** One cell of a study: an encoder trained, or left as it is, and read out. */
import type { ImageSet } from "../data/images.ts";
import type { Device } from "../engine/gpu/device.ts";
import { Parameters } from "../engine/graph/parameters.ts";
import { decaysBias } from "../eval/segmentation/recipe.ts";
import { timmInit } from "../models/init.ts";
import { METHODS, type MethodName } from "../models/methods.ts";
import { type VitConfig, vitConfig, vitSpecs } from "../models/vit.ts";
import { type Saved, type SavedEncoder, savedEncoder } from "../train/checkpoint.ts";
import { DeviceImages } from "../train/deviceImages.ts";
import { type LoopOptions, type ProgressRow, train } from "../train/loop.ts";
import { planRun } from "../train/plan.ts";
import {
  type DataDescription,
  descriptionOf,
  moduleOf,
  type RunSettings,
  recipeFor,
  runSettings,
} from "../train/run.ts";
import { withLaterSettings } from "../train/savedSettings.ts";
import { Trainer } from "../train/trainer.ts";
import type { GivenEncoder } from "./givenEncoders.ts";
import { readPixels } from "./pixelReadouts.ts";
import {
  type Cell,
  type CellPlan,
  cellPlan,
  firstChange,
  givenEncoder,
  ownReading,
  type StudyPlan,
} from "./plan.ts";
import { pixelEncoder, type Readout, readAll, type StudyEncoder, vitEncoder, vitReadBy } from "./readouts.ts";
import type { PixelTarget, Target } from "./targets.ts";

/** Pictures of one set, ready. */
export interface CellPictures {
  /** To pretrain on. */
  train: ImageSet;
  targets: readonly Target[];
  /** Where a study asks about pixels. */
  pixels?: readonly PixelTarget[];
}

export interface CellResult extends Cell {
  /** What it was computed by. */
  plan: CellPlan;
  readouts: Readout[];
  /** Of a trained encoder, where asked for: what it scored before its first step, by its method's own reading. */
  first?: Readout[];
  /** Whether that was not read here but recorded with an encoder that was trained before. */
  firstRecorded?: true;
  /** Of an encoder that was trained before. */
  given?: GivenEncoder;
  /** Of a trained encoder. */
  training?: {
    settings: RunSettings;
    /** Pictures seen. */
    pictures: number;
    seconds: number;
    /** Floating point operations of a step, as far as kernels declare them. */
    flops: number;
    /** Metrics of about a hundred steps, the first and the last among them. */
    rows: Record<string, number>[];
  };
}

export interface CellOptions extends Pick<LoopOptions, "now" | "pause" | "onWarning"> {
  /** Told about every step. */
  onProgress?: (row: ProgressRow) => void;
  /** Whether an encoder is also measured before it is trained, which verdicts ask for. */
  readFirst?: boolean;
  /** Given the trained run before it is measured: what saves its encoder. */
  trained?: (trainer: Trainer) => Promise<void>;
  /** The file of the encoder that the plan gives this cell. */
  saved?: Saved;
  /** Told about that encoder. */
  opened?: (encoder: SavedEncoder) => Promise<void>;
}

/** About as many rows of metrics are kept. */
const ROWS = 100;

/**
 * Trains and reads out a cell. A pure function of the plan, the cell and the pictures on one adapter, times aside. Throws
 * `NonFiniteLossError` where the training diverges.
 */
export async function runCell(
  device: Device,
  plan: StudyPlan,
  cell: Cell,
  pictures: CellPictures,
  options: CellOptions,
): Promise<CellResult> {
  const { encoder: name, seed } = cell;
  const about = { ...cell, plan: cellPlan(plan, cell) };
  const ofPixels = {
    reading: ownReading(name, "mIoU"),
    ...{ seed, updates: plan.segmentationUpdates, decayBias: decaysBias(name) },
  };
  const read = async (encoder: StudyEncoder) => [
    ...(await readAll(device, encoder, pictures.targets, plan, seed)),
    ...(await readPixels(device, encoder, pictures.pixels ?? [], ofPixels)),
  ];
  const config = vitConfig(plan.model);
  if (name === "pixels") return { ...about, readouts: await read(pixelEncoder(config)) };
  if (name === "untrained") return { ...about, readouts: await read(untrained(device, config, seed)) };
  const given = givenEncoder(plan, cell);
  if (given) return { ...about, ...(await readGiven(device, given, options, read)) };
  const settings = cellSettings(plan, cell, descriptionOf(pictures.train));
  const images = await DeviceImages.upload(device, pictures.train);
  const trainer = new Trainer(device, settings, images);
  await trainer.prepare();
  const { encoder, projections } = trainer.method;
  const first = options.readFirst ? await read(firstEncoder(name, trainer.encoder, encoder.config)) : null;
  await device.finish();
  const start = options.now();
  const rows = await trainAll(trainer, options);
  const seconds = (options.now() - start) / 1000;
  await options.trained?.(trainer);
  const readouts = await read(vitEncoder(trainer.encoder, encoder.config, projections));
  const seen = settings.batchSize * settings.totalSteps;
  const { flops } = planRun(device, settings);
  const training = { settings, pictures: seen, seconds, flops, rows };
  return { ...about, readouts, ...(first && { first }), training };
}

/** Reads out an encoder that was trained before. */
async function readGiven(
  device: Device,
  given: GivenEncoder,
  { saved, opened, readFirst }: CellOptions,
  read: (encoder: StudyEncoder) => Promise<Readout[]>,
): Promise<Pick<CellResult, "readouts" | "first" | "given">> {
  if (!saved) throw new Error(`runCell: needs the opened file of ${given.file}; got none`);
  const encoder = await savedEncoder(device, saved);
  await opened?.(encoder);
  const readouts = await read(vitEncoder(encoder.params, encoder.config, encoder.projections));
  if (!readFirst) return { readouts, given };
  const before = await savedEncoder(device, saved, { untrained: true });
  return { readouts, given, first: await read(firstEncoder(given.method, before.params, before.config)) };
}

/** An encoder before its first step, by its method's own reading. */
const firstEncoder = (method: MethodName, params: Parameters, config: VitConfig): StudyEncoder =>
  vitReadBy(METHODS[method].reading, params, config);

/** The run of a cell: the method's recipe for pictures of this size with what the plan changes. */
export function cellSettings(plan: StudyPlan, { encoder, seed }: Cell, data: DataDescription): RunSettings {
  const method = encoder as MethodName;
  const { batch, lr, pictures = plan.pictures, config } = plan.methods[method] ?? {};
  const recipe = recipeFor(vitConfig(plan.model));
  const batchSize = Math.min(batch ?? moduleOf(method).recipes[recipe].batchSize, data.count);
  return runSettings({
    method,
    model: plan.model,
    data,
    seed,
    batchSize,
    totalSteps: Math.ceil(pictures / batchSize),
    recipe,
    ...(lr === undefined ? {} : { rate: lr }),
    ...(config === undefined ? {} : { config }),
  });
}

/**
 * The first thing that a finished cell was computed by and would not be now, in words; null where there is none. Of what the
 * plan leaves out the recipe decides, and a recipe may have changed since.
 */
export function cellChange(
  { plan: was, training }: Pick<CellResult, "plan" | "training">,
  plan: StudyPlan,
  cell: Cell,
): string | null {
  const change = firstChange(was, cellPlan(plan, cell));
  if (change !== null || !training) return change;
  const settings = withLaterSettings(training.settings);
  return firstChange(settings, cellSettings(plan, cell, settings.data), "settings");
}

/** An encoder with its first values. */
function untrained(device: Device, config: VitConfig, seed: number): StudyEncoder {
  return vitEncoder(new Parameters(device, vitSpecs(config, timmInit(seed)), { gradients: false }), config);
}

/** Runs every step -> some rows of its metrics. */
async function trainAll(
  trainer: Trainer,
  { onProgress, now, pause, onWarning }: CellOptions,
): Promise<Record<string, number>[]> {
  const { totalSteps } = trainer.settings;
  const every = Math.max(1, Math.floor(totalSteps / ROWS));
  const rows: Record<string, number>[] = [];
  await train(trainer, {
    ...{ now, ...(pause && { pause }), ...(onWarning && { onWarning }) },
    onProgress(row) {
      const { step, loss, gradNorm, metrics } = row;
      if (step % every === 0 || step === totalSteps - 1) rows.push({ step, loss, gradNorm, ...metrics });
      onProgress?.(row);
    },
  });
  return rows;
}
