/** What every `partwise eval` measures: pictures of two splits, and an encoder or the pictures themselves. */
import { type Command, Option } from "commander";
import type { Split } from "../../data/dataFormat.ts";
import { IMAGENET_STATISTICS, type ImageSet } from "../../data/images.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import type { Encode } from "../../eval/encoding.ts";
import {
  type ExtractOptions,
  extractFeatures,
  type Features,
  READINGS,
  type Reading,
  readingWidth,
  vitFeatures,
} from "../../eval/features.ts";
import { scrambledPatches } from "../../eval/scrambledPatches.ts";
import type { VitConfig } from "../../models/vit.ts";
import { type SavedEncoder, savedEncoder } from "../../train/checkpoint.ts";
import { methodOf } from "../../train/run.ts";
import { path, whole } from "../options/arguments.ts";
import { addDataOptions, choiceOf, type DataFlags, evaluationCrop } from "../pictures/dataOptions.ts";
import { type DataChoice, type LoadOptions, loadPair } from "../pictures/datasets.ts";
import { addPartOptions } from "../pictures/partOptions.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { ProgressLine } from "../system/progress.ts";
import { NO_TUNE, openTuned } from "../system/tuningCache.ts";
import { readSaved } from "./runFolder.ts";

/** The flags that all probes have. */
export interface EvalFlags extends DataFlags {
  checkpoint?: string;
  untrained?: boolean;
  average?: boolean;
  pixels?: boolean;
  /** Side to which training pictures are scaled before their middle is cut out. */
  trainResize?: number;
  scramblePatches?: boolean;
  batch: number;
  tune: boolean;
  json?: boolean;
}

/** Side of the pictures whose pixels are read when --data-size says nothing. */
const PIXELS_SIDE = 32;

/** Adds what all probes have. */
export const addEvalOptions = (command: Command): Command =>
  addPartOptions(addDataOptions(command))
    .option("--checkpoint <path>", "folder of a run or of a study's cell, or its safetensors", path)
    .option("--untrained", "the same encoder with its first values, to compare with")
    .addOption(averageOption())
    .addOption(scrambleOption())
    .option("--batch <n>", "pictures per run of the encoder; never changes the result", whole(1), 64)
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON");

/** What `Method.average` names, as a flag. */
export const averageOption = (): Option =>
  new Option(
    "--average",
    "the moving average of the encoder's weights that supervised training keeps with --weight-ema, instead of the weights",
  ).conflicts(["pixels", "untrained"]);

/** What `scrambledPatches` does, as a flag. */
export const scrambleOption = (): Option =>
  new Option(
    "--scramble-patches",
    "a quirk of the official programs with MAE in retrieval, part classification and search: patches lie at random places",
  ).conflicts(["pixels", "augment"]);

/** Adds what probes of one vector of a picture have. `usual` is what they read unless it is said. */
export const addReadingOptions = (command: Command, usual: string): Command =>
  addPixelsOption(command).addOption(
    new Option("--pool <reading>", `what is read from the tokens (default: ${usual})`).choices(
      Object.keys(READINGS),
    ),
  );

/** Adds --pixels. */
export const addPixelsOption = (command: Command): Command =>
  command.addOption(
    new Option(
      "--pixels",
      `read the pictures themselves, of side --data-size or ${PIXELS_SIDE}, instead of an encoder`,
    ).conflicts(["checkpoint", "untrained"]),
  );

/** Pictures of one split or more, and what reads them. */
export interface EvalInput<S extends Split = Split> {
  device: Device;
  sets: Readonly<Record<S, ImageSet>>;
  /** Null where pixels are read. */
  encoder: SavedEncoder | null;
  /** For `extractFeatures`, and what else runs the encoder. */
  how: Pick<ExtractOptions, "statistics" | "batchSize"> & { imageSize: number };
  /** Where progress is shown. */
  line: ProgressLine;
  /** For the line of JSON. */
  about: Record<string, unknown>;
}

/** What turns pictures into features, and the side of the pictures it takes. */
export interface Reader<E extends SavedEncoder | null = SavedEncoder | null> {
  side: number;
  /** Names of the heads behind the encoder, as `Method.projections` has them. */
  projections: readonly string[];
  open(device: Device): Promise<E>;
  about: Record<string, unknown>;
}

/** What the flags of a command with --pixels name. */
export const readerOf = async (flags: EvalFlags): Promise<Reader> =>
  flags.pixels ? pixelReader(flags) : await encoderReader(flags, OR_PIXELS);

/** Reads both splits, opens the adapter and loads the encoder. */
export const openInput = async (probe: string, flags: EvalFlags): Promise<EvalInput> =>
  openSets(probe, flags, await readerOf(flags), loadPair);

/** The same for what `load` reads. */
export async function openSets<S extends Split>(
  probe: string,
  flags: EvalFlags,
  reader: Reader,
  load: (choice: DataChoice, how: (split: Split) => LoadOptions) => Promise<Readonly<Record<S, ImageSet>>>,
): Promise<EvalInput<S>> {
  const { trainResize } = flags;
  if (trainResize !== undefined && trainResize < reader.side) {
    throw new UsageError(
      `--train-resize must be ${reader.side}, the side of what is read, or more; got ${trainResize}`,
    );
  }
  const line = new ProgressLine();
  const crop = evaluationCrop(flags, reader.side);
  const sets = await load(choiceOf(flags), (split) => ({
    ...crop,
    ...(split === "train" && { resize: trainResize }),
    onProgress: (done, total) => line.show(`${split} pictures ${done}/${total}`),
  }));
  line.end();
  const device = await openTuned({ tune: flags.tune });
  const encoder = await asUsage(() => reader.open(device));
  const { train, test }: Partial<Record<Split, ImageSet>> = sets;
  const shown = flags.scramblePatches && encoder ? scrambled(sets, encoder.config) : sets;
  const { name, classes } = (train ?? test)!;
  return {
    ...{ device, sets: shown, encoder, line },
    how: { statistics: IMAGENET_STATISTICS, batchSize: flags.batch, imageSize: reader.side },
    about: {
      command: `eval ${probe}`,
      ...reader.about,
      data: name,
      train: train?.count,
      test: test?.count,
      classes: classes.length,
      trainResize,
      scramblePatches: flags.scramblePatches,
      adapter: device.info.description,
    },
  };
}

/** Every split with the patches of its pictures at random places. */
function scrambled<S extends Split>(
  sets: Readonly<Record<S, ImageSet>>,
  config: VitConfig,
): Readonly<Record<S, ImageSet>> {
  const all = Object.entries<ImageSet>(sets).map(([split, set]) => [split, scrambledPatches(set, config, 0)]);
  return Object.fromEntries(all) as Record<S, ImageSet>;
}

/** What the sentence about a missing --checkpoint adds where a command has --pixels. */
export const OR_PIXELS = ", or --pixels say that none is read";

/** The encoder of a checkpoint, as it was before its first step, or its moving average, and the method that trained it. */
export async function encoderReader(
  { checkpoint: path, untrained = false, average }: Pick<EvalFlags, "checkpoint" | "untrained" | "average">,
  otherwise = "",
): Promise<Reader<SavedEncoder> & { method: string }> {
  if (path === undefined) throw new UsageError(`--checkpoint must name a run${otherwise}`);
  const saved = await readSaved(path);
  const { settings, step } = saved.info;
  const { method, model, encoder } = settings;
  return {
    method,
    side: encoder.imageSize,
    projections: Object.keys(methodOf(settings).projections ?? {}),
    async open(device) {
      const found = await savedEncoder(device, saved, { untrained, ...(average && { average }) });
      await saved.close();
      return found;
    },
    about: { checkpoint: path, method, model, step: untrained ? 0 : step, untrained, average },
  };
}

/** The floor: what the pictures themselves give away. */
const pixelReader = ({ dataSize = PIXELS_SIDE }: EvalFlags): Reader => ({
  side: dataSize,
  projections: [],
  open: async () => null,
  about: { pixels: true, side: dataSize },
});

/** One vector of a picture: a reading of the encoder, or the pixels. `dim` numbers. */
export const vectorOf = (
  { encoder, how }: Pick<EvalInput, "encoder" | "how">,
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
export const featuresOf = <S extends Split>(
  { device, sets, how, line }: EvalInput<S>,
  split: S,
  encode: Encode,
): Promise<Features> =>
  asUsage(() =>
    extractFeatures(device, encode, sets[split], { ...how, onProgress: splitProgress(line, split) }),
  );
