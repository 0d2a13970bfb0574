/** What every `partwise eval` measures: pictures of two splits, and an encoder or the pictures themselves. */
import { type Command, Option } from "commander";
import type { Split } from "../../data/dataFormat.ts";
import { IMAGENET_STATISTICS, type ImageSet } from "../../data/images.ts";
import type { Device } from "../../engine/gpu/device.ts";
import type { Parameters } from "../../engine/graph/parameters.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import type { Encode } from "../../eval/encoding.ts";
import {
  type ExtractOptions,
  extractFeatures,
  type Features,
  type Reading,
  readingWidth,
  vitFeatures,
} from "../../eval/features.ts";
import type { VitConfig } from "../../models/vit.ts";
import { savedEncoder } from "../../train/checkpoint.ts";
import { path, whole } from "../options/arguments.ts";
import { addDataOptions, choiceOf, type DataFlags } from "../pictures/dataOptions.ts";
import { loadPair } from "../pictures/datasets.ts";
import { addPartOptions } from "../pictures/partOptions.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { ProgressLine } from "../system/progress.ts";
import { NO_TUNE, openTuned } from "../system/tuningCache.ts";
import { readSaved } from "./runFolder.ts";

/** The flags that all probes have. */
export interface EvalFlags extends DataFlags {
  checkpoint?: string;
  untrained?: boolean;
  pixels?: boolean;
  /** Side to which training pictures are scaled before their middle is cut out. */
  trainResize?: number;
  batch: number;
  tune: boolean;
  json?: boolean;
}

/** Side of the pictures whose pixels are read when --data-size says nothing. */
const PIXELS_SIDE = 32;

const READINGS: readonly Reading[] = ["cls", "mean", "cls+mean", "cls4"];

/** Adds what all probes have. */
export const addEvalOptions = (command: Command): Command =>
  addPartOptions(addDataOptions(command))
    .option("--checkpoint <path>", "folder of a run or of a study's cell, or its safetensors", path)
    .option("--untrained", "the same encoder with its first values, to compare with")
    .option("--batch <n>", "pictures per run of the encoder; never changes the result", whole(1), 64)
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON");

/** Adds what probes of one vector of a picture have. `usual` is what they read unless it is said. */
export const addReadingOptions = (command: Command, usual: string): Command =>
  command
    .addOption(
      new Option(
        "--pixels",
        "read the pictures themselves, of side --data-size or 32, instead of an encoder",
      ).conflicts(["checkpoint", "untrained"]),
    )
    .addOption(
      new Option("--pool <reading>", `what is read from the tokens (default: ${usual})`).choices(READINGS),
    );

/** An encoder with what it knows, on the device. */
export interface OpenEncoder {
  params: Parameters;
  config: VitConfig;
}

export interface EvalInput {
  device: Device;
  sets: Record<Split, ImageSet>;
  /** Null where pixels are read. */
  encoder: OpenEncoder | null;
  /** For `extractFeatures`, and what else runs the encoder. */
  how: Pick<ExtractOptions, "statistics" | "batchSize"> & { imageSize: number };
  /** Where progress is shown. */
  line: ProgressLine;
  /** For the line of JSON. */
  about: Record<string, unknown>;
}

/** Reads pictures, opens the adapter and loads the encoder. */
export async function openInput(probe: string, flags: EvalFlags): Promise<EvalInput> {
  const reader = flags.pixels ? pixelReader(flags) : await encoderReader(flags);
  const { trainResize } = flags;
  if (trainResize !== undefined && trainResize < reader.side) {
    throw new UsageError(
      `--train-resize must be ${reader.side}, the side of what is read, or more; got ${trainResize}`,
    );
  }
  const line = new ProgressLine();
  const sets = await loadPair(choiceOf(flags), (split) => ({
    drawnSize: reader.side,
    ...(split === "train" && { resize: trainResize }),
    onProgress: (done, total) => line.show(`${split} pictures ${done}/${total}`),
  }));
  line.end();
  const device = await openTuned({ tune: flags.tune });
  const encoder = await asUsage(() => reader.open(device));
  const { train, test } = sets;
  return {
    ...{ device, sets, encoder, line },
    how: { statistics: IMAGENET_STATISTICS, batchSize: flags.batch, imageSize: reader.side },
    about: {
      command: `eval ${probe}`,
      ...reader.about,
      data: train.name,
      train: train.count,
      test: test.count,
      classes: train.classes.length,
      trainResize,
      adapter: device.info.description,
    },
  };
}

/** What turns pictures into features, and the side of the pictures it takes. */
interface Reader<E extends OpenEncoder | null = OpenEncoder | null> {
  side: number;
  open(device: Device): Promise<E>;
  about: Record<string, unknown>;
}

/** The encoder of a checkpoint, or as it was before its first step, and the method that trained it. */
export async function encoderReader({
  checkpoint: path,
  untrained = false,
}: Pick<EvalFlags, "checkpoint" | "untrained">): Promise<Reader<OpenEncoder> & { method: string }> {
  if (path === undefined) {
    throw new UsageError("--checkpoint must name a run, or --pixels say that none is read");
  }
  const saved = await readSaved(path);
  const { settings, step } = saved.info;
  const { method, model, encoder } = settings;
  return {
    method,
    side: encoder.imageSize,
    async open(device) {
      const found = await savedEncoder(device, saved, { untrained });
      await saved.close();
      return found;
    },
    about: { checkpoint: path, method, model, step: untrained ? 0 : step, untrained },
  };
}

/** The floor: what the pictures themselves give away. */
const pixelReader = ({ dataSize = PIXELS_SIDE }: EvalFlags): Reader => ({
  side: dataSize,
  open: async () => null,
  about: { pixels: true, side: dataSize },
});

/** One vector of a picture: a reading of the encoder, or the pixels. `dim` numbers. */
export const vectorOf = (
  { encoder, how }: EvalInput,
  pool: Reading,
): { encode: Encode; dim: number; about: { pool?: Reading } } =>
  encoder
    ? {
        encode: vitFeatures(encoder.params, encoder.config, pool),
        dim: readingWidth(pool, encoder.config),
        about: { pool },
      }
    : {
        encode: (images) => reshape(images, [images.shape[0]!, -1]),
        dim: 3 * how.imageSize ** 2,
        about: {},
      };

/** How far through a split the encoder is. */
export const splitProgress =
  (line: ProgressLine, split: Split) =>
  (done: number, total: number): void =>
    line.show(`${split} features ${done}/${total}`);

/** Features of one split, kept. */
export const featuresOf = (
  { device, sets, how, line }: EvalInput,
  split: Split,
  encode: Encode,
): Promise<Features> =>
  asUsage(() =>
    extractFeatures(device, encode, sets[split], { ...how, onProgress: splitProgress(line, split) }),
  );
