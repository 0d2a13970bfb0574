/** What `search` and `maps` have in common: an encoder that was saved, and the pictures that a person looks at with it. */
import { type Command, Option } from "commander";
import type { Split } from "../../data/dataFormat.ts";
import { IMAGENET_STATISTICS, type ImageSet, pictureAt } from "../../data/images.ts";
import type { Picture } from "../../data/resize.ts";
import type { Device } from "../../engine/gpu/device.ts";
import { fitPicture } from "../../eval/encoding.ts";
import type { ExtractOptions } from "../../eval/features.ts";
import { adapterName, type SavedEncoder, savedEncoder } from "../../train/checkpoint.ts";
import type { RunSettings } from "../../train/run.ts";
import { path, whole } from "../options/arguments.ts";
import { addDataOptions, choiceOf, type DataFlags, evaluationCrop } from "../pictures/dataOptions.ts";
import { loadSplit } from "../pictures/datasets.ts";
import { addPartOptions } from "../pictures/partOptions.ts";
import { asUsage, UsageError } from "../system/errors.ts";
import { checkFolder, kindOf } from "../system/files.ts";
import { ProgressLine } from "../system/progress.ts";
import { NO_TUNE, openTuned } from "../system/tuningCache.ts";
import { readSaved } from "./runFolder.ts";

/** The flags of both commands. */
export interface LookFlags extends DataFlags {
  out: string;
  split: Split;
  side?: number;
  batch?: number;
  tune: boolean;
  json?: boolean;
}

/** Adds the run and the flags of both commands. */
export const addLookOptions = (command: Command): Command =>
  addPartOptions(
    addDataOptions(
      command
        .argument("<run>", "folder of a run or of a study's cell, or its safetensors", path)
        .requiredOption("--out <dir>", "folder of the sheets, PNG", path),
    ),
  )
    .addOption(
      new Option("--split <name>", "pictures that are looked at").choices(["train", "test"]).default("test"),
    )
    .option("--side <n>", "side to which pictures are fitted first (default: the encoder's)", whole(8))
    .option("--batch <n>", "pictures at once; never changes the result", whole(1))
    .option(...NO_TUNE)
    .option("--json", "end with one line of JSON");

/** A run that was saved, and pictures for it. */
export interface Chosen {
  settings: RunSettings;
  images: ImageSet;
  /** Side to which pictures are fitted. */
  side: number;
}

/** The same with the run's encoder on a device. */
export interface Look extends Chosen, SavedEncoder {
  device: Device;
  /** Picture i as the encoder is shown it. */
  picture(i: number): Picture;
  /** How features are extracted. */
  extract: Omit<ExtractOptions, "batchSize">;
  line: ProgressLine;
  /** For the last line of JSON. */
  about: Record<string, unknown>;
}

/** Refuses pictures that do not fall into whole patches. */
export function checkPatches({ side, settings }: Chosen): void {
  const { patchSize } = settings.encoder;
  if (side % patchSize === 0) return;
  throw new UsageError(`--side must be a multiple of the patch size ${patchSize}; got ${side}`);
}

/** Opens both; what is wrong with either is a `UsageError`, and so is what `check` throws, before there is a device. */
export async function openLook(
  command: string,
  run: string,
  flags: LookFlags,
  check: (chosen: Chosen) => void,
): Promise<Look> {
  const kind = await kindOf(flags.out);
  if (kind !== null && kind !== "folder")
    throw new UsageError(`--out must be a folder; ${flags.out} is a file`);
  await checkFolder(flags.out);
  const saved = await readSaved(run);
  const { settings, step } = saved.info;
  const line = new ProgressLine();
  const side = flags.side ?? settings.encoder.imageSize;
  try {
    const images = await loadSplit(choiceOf(flags), flags.split, {
      ...evaluationCrop(flags, side),
      onProgress: (done, total) => line.show(`${flags.split} pictures ${done}/${total}`),
    });
    line.end();
    check({ settings, images, side });
    const device = await openTuned({ tune: flags.tune });
    const { method, model } = settings;
    return {
      ...(await asUsage(() => savedEncoder(device, saved))),
      device,
      settings,
      images,
      side,
      line,
      picture: (i) => fitPicture(pictureAt(images, i), side),
      extract: {
        statistics: IMAGENET_STATISTICS,
        imageSize: side,
        onProgress: (done, total) => line.show(`features ${done}/${total}`),
      },
      about: {
        ...{ command, run, method, model, step, data: images.name, pictures: images.count, side },
        adapter: adapterName(device),
      },
    };
  } finally {
    await saved.close();
  }
}
